-- hook_done: what became of trying to tell an event.
--
-- KEYS  rows, line, at, parked, past
-- ARGV  1 what (told, later, park, revive, forget, drop)  2 id  3 row  4 line of the log
--       5 life of what is parked s  6 life of the rest s
-- gives 1, or 0 if the event is not there (any more)
-- race  an event that was told by two processes at once, because one was slow: the second finds
--       nothing. A revived event goes to the end: what followed it has been told since.
-- again an event that was moved is not there any more: nothing is done twice.
local rows, line, at, parked, past = unpack(KEYS)
local what, id = ARGV[1], ARGV[2]
if what == 'drop' then
  redis.call('DEL', rows, line, at, parked, past)
  return 1
end
if what == 'revive' then
  if redis.call('HDEL', parked, id) == 0 then return 0 end
  redis.call('HSET', rows, id, ARGV[3])
  redis.call('ZADD', line, redis.call('HINCRBY', at, 'n', 1), id)
  redis.call('EXPIRE', rows, ARGV[6])
  redis.call('EXPIRE', line, ARGV[6])
  return 1
end
if what == 'forget' then
  redis.call('HDEL', rows, id)
  redis.call('HDEL', parked, id)
  return redis.call('ZREM', line, id)
end
if redis.call('HEXISTS', rows, id) == 0 then return 0 end
if what == 'later' then
  redis.call('HSET', rows, id, ARGV[3])
else
  redis.call('HDEL', rows, id)
  redis.call('ZREM', line, id)
end
if what == 'park' then
  redis.call('HSET', parked, id, ARGV[3])
  redis.call('EXPIRE', parked, ARGV[5])
end
redis.call('LPUSH', past, ARGV[4])
redis.call('LTRIM', past, 0, 99)
redis.call('EXPIRE', past, ARGV[5])
return 1
