-- pause: what is paused, and changing it.
--
-- KEYS  paused
-- ARGV  none, or 1 what (set, clear)  2 kind and name  3 reply  4 channel to tell others by
-- gives all that is paused, flat
-- race  none: last word wins.
-- again changes nothing.
if ARGV[1] == 'set' then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
elseif ARGV[1] == 'clear' then
  redis.call('HDEL', KEYS[1], ARGV[2])
end
if ARGV[4] then redis.call('PUBLISH', ARGV[4], '') end
return redis.call('HGETALL', KEYS[1])
