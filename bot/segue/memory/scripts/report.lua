-- report: what a platform says later about something that was sent.
--
-- KEYS  c, inbox, out, due, events, got
-- ARGV  1 customer  2 row id  3 receipt (sent, delivered, read, failed)  4 why  5 wake channel
--       6 channel (`\nCHANNEL\t`)
-- gives {noted} {known} {moved, to} {gone}
-- race  reports come in any order, and also before the sender's own word: only what is further than
--       what is known is kept. A row that nobody knew the fate of is closed by it; one that is under
--       way is left to its sender, who finds it in `got`.
-- again it is known.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local customer, id, what, why, wake = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local h = redis.call('HMGET', c, 'v', 'm', 'a')
if h[2] then return {'moved', h[2]} end
if not h[1] then return {'gone'} end
local now = server_time()
if not note(id, what, now, why) then return {'known'} end
redis.call('XADD', events, 'MAXLEN', '~', 100000, '*', 'customer', customer, 'row', id, 'receipt', what)
redis.call('EXPIRE', events, 7776000)
if what == 'failed' and (why == 'blocked' or why == 'no_address') then
  -- Which address it was is known where the customer has one on this channel.
  local from = string.find(h[3] or '', ARGV[6], 1, true)
  if from and not string.find(h[3], ARGV[6], from + 1, true) then
    unreachable(c, string.match(h[3], '^\n[^\t]*\t[^\t]*\t', from))
  end
end
local entries, changed = redis.call('LRANGE', out, 0, -1), false
for i = 1, #entries do
  local row = open(entries[i])
  if row[ID] == id and row[STATE] == QUEUED and row[SENDS] > 0 then
    redis.call('LREM', out, 1, entries[i])
    changed = true
  end
end
if changed then
  local _, soonest = walk(out, events, customer, '', now, 0, nil)
  reschedule(c, inbox, due, customer, now, soonest)
end
redis.call('PUBLISH', wake, customer)
return {'noted'}
