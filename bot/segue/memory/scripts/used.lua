-- used: when each API key was used last.
--
-- KEYS  used
-- ARGV  none, or 1 name  2 life of the whole s
-- gives name and second, flat
-- race  none: the latest word wins, and it is about now.
--!include time
if ARGV[1] then
  redis.call('HSET', KEYS[1], ARGV[1], math.floor(server_time() / 1000))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HGETALL', KEYS[1])
