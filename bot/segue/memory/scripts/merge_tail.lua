-- merge_tail: the one who goes: what came in since, and when there is nothing more, `moved`.
--
-- KEYS  c, inbox, out, seen, log, old, got, consent, due, was
-- ARGV  1 customer  2 intent  3 letters that have arrived there, up to this number  4 addresses and
--       5 opted out, as they have arrived there  6 into whom  7 undo s  8 retention s
--       9 number there of the last line that came with the merge  10 consents that have arrived
-- gives {tail, number of the first, letters, addresses, opted out, consents
--        since} {moved} {lost}
-- race  a letter comes in between the last look and `moved`: looking and turning are one step, so it
--       is found here or is told to go there.
-- again finds that it has moved.
local c, inbox, out, seen, log, old, got, consent, due, was = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'm', 'n', 'a', 'x', 'v', 'e')
if h[2] == ARGV[6] then return {'moved'} end
if h[1] ~= ARGV[2] then return {'lost'} end
local waiting = redis.call('LLEN', inbox)
local first = tonumber(h[3]) - waiting + 1
local arrived = tonumber(ARGV[3]) - first + 1
if arrived > 0 and waiting > 0 then
  redis.call('LPOP', inbox, arrived)
  waiting = math.max(waiting - arrived, 0)
  first = first + arrived
end
if waiting > 0 or (h[4] or '') ~= ARGV[4] or (h[5] or '') ~= ARGV[5]
  or redis.call('LLEN', consent) > tonumber(ARGV[10]) then
  return {'tail', first, redis.call('LRANGE', inbox, 0, -1), h[4] or '', h[5] or '',
    redis.call('LRANGE', consent, ARGV[10], -1)}
end
-- What they were is kept aside for the undo; who still names them is told where they are.
redis.call('HDEL', c, 'g', 'gj', 'gl', 'd', 'o', 't', 'w', 'q', 'h')
redis.call('RENAME', c, was)
redis.call('HSET', c, 'v', h[6], 'e', h[7], 'n', h[3], 'm', ARGV[6], 'ml', ARGV[9])
redis.call('EXPIRE', c, ARGV[8])
redis.call('ZREM', due, ARGV[1])
redis.call('DEL', out, inbox)
for _, key in ipairs({was, seen, log, old, got, consent}) do redis.call('EXPIRE', key, ARGV[7]) end
return {'moved'}
