-- merge_gather: everything about a customer who is set aside. What was sent and is not settled is
-- waited for.
--
-- KEYS  c, inbox, out, seen, due, undo, events, consent, got
-- ARGV  1 customer  2 intent  3 id of the merge  4 patience ms
-- gives {ready, landed, version, lines, state, addresses, opted out, controller, flags, parked,
--        joined, timer ms left, {entry, id, lane, content} of each row, digest and
--        second of each mark, undo record, unreachable,
--        late (0, 1), row and what is known of it…, consent} {busy} {lost}
-- race  a turn may still be running: it is waited for, not fenced, for what its steps did is done.
--       Afterwards only `in`, `a`, `x` and `k` change, and merge_tail looks at those again.
--!include time, due, outbox, merging
local c, inbox, out, seen, due, undo, events, consent = unpack(KEYS)
local now = server_time()
if redis.call('HGET', c, 'g') ~= ARGV[2] then return {'lost'} end
local _, soonest = walk(out, events, ARGV[1], '', now, 0, nil)
if not at_rest(c) then return {'busy'} end
redis.call('ZADD', due, now + ARGV[4], ARGV[1])
local rows = redis.call('LRANGE', out, 0, -1)
for i = 1, #rows do
  local row = open(rows[i])
  if row[STATE] == CLAIMED then return {'busy'} end
  rows[i] = {rows[i], row[ID], row[LANE], row[BLOB]}
end
local h = redis.call('HMGET', c, 'v', 'l', 's', 'a', 'x', 'k', 'f', 'q', 'j', 'w', 'gj', 'u', 'z')
local timer = tonumber(h[10]) or 0
return {'ready', h[11] and 1 or 0, tonumber(h[1]), tonumber(h[2]) or 0, h[3] or '', h[4] or '',
  h[5] or '', h[6] or '', tonumber(h[7]) or 0, h[8] and 1 or 0, h[9] or '',
  timer > 0 and math.max(timer - now, 1) or 0, rows,
  redis.call('ZRANGE', seen, 0, -1, 'WITHSCORES'), redis.call('HGET', undo, ARGV[3]) or '',
  h[12] or '', h[13] and 1 or 0, redis.call('HGETALL', got),
  redis.call('LRANGE', consent, 0, -1)}
