-- named: a small lasting table of records by name (API keys, webhooks), and changing it.
--
-- KEYS  table
-- ARGV  none, or 1 what (add, drop)  2 name  3 record  4 operation
-- gives {done, there or missing, then the whole table, flat}
-- race  two adds of one name: the first stands, the second is told.
-- again an add or a drop that was applied finds its operation, kept for a minute's repetitions.
local t, answer = KEYS[1], 'done'
if ARGV[1] then
  local recent = redis.call('HGET', t, '') or ''
  if not string.find(recent, ARGV[4], 1, true) then
    if ARGV[1] == 'add' then
      if redis.call('HSETNX', t, ARGV[2], ARGV[3]) == 0 then answer = 'there' end
    elseif redis.call('HDEL', t, ARGV[2]) == 0 then
      answer = 'missing'
    end
    if answer == 'done' then redis.call('HSET', t, '', string.sub(ARGV[4] .. recent, 1, 160)) end
  end
end
return {answer, redis.call('HGETALL', t)}
