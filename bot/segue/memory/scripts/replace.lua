-- replace: other rows instead of one that cannot be sent as it is: plain ones, or to another address.
--
-- KEYS  c, inbox, out, due, events, got
-- ARGV  1 customer  2 operation  3 row id  4 token of the claim  5 why
--       6 channel that takes over (empty: the same address)  7 `again` of the new rows  8 claim ms
--       then per row id, lane, flags, blob
-- gives {claims} of any lane that may go now, see `claim_of`
-- race  an agent who took over, or a STOP on the new channel, meanwhile: the new rows are not put in
--       and the old one is closed. They stand where it stood, so order is kept.
-- again the row is gone, and the claims of the operation are given again.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local customer, op, id, token, why, instead = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local now = server_time()
local h = redis.call('HMGET', c, 'k', 'x')
local entries = redis.call('LRANGE', out, 0, -1)
for i = 1, #entries do
  local row = open(entries[i])
  if row[ID] == id and row[STATE] == CLAIMED and row[TOKEN] == token then
    local put = (not h[1] or has(row[FLAGS], NOTICE)) and not has(row[FLAGS], 16)
    for base = 9, #ARGV, 4 do
      local channel = string.match(ARGV[base + 1], '^\n[^\t]*\t')
      if instead ~= '' and h[2] and string.find(h[2], channel, 1, true) then put = false end
    end
    if instead ~= '' or not put then
      receipt(events, customer, row, 'failed', now, why, put and instead or '')
    end
    if put then
      for base = 9, #ARGV, 4 do
        redis.call('LINSERT', out, 'BEFORE', entries[i], cmsgpack.pack({ARGV[base], ARGV[base + 1],
          QUEUED, now, 0, row[EXPIRES], tonumber(ARGV[base + 2]), '', ARGV[base + 3],
          0, 0, row[BORN], tonumber(ARGV[7])}))
      end
    end
    redis.call('LREM', out, 1, entries[i])
    if why == 'blocked' or why == 'no_address' then unreachable(c, row[LANE]) end
    break
  end
end
local claims, soonest = walk(out, events, customer, op, now, tonumber(ARGV[8]), nil)
reschedule(c, inbox, due, customer, now, soonest)
return claims
