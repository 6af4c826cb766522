-- singleton: hold a job that only one process does, or keep holding it.
--
-- KEYS  lease
-- ARGV  1 holder  2 ms, 0 gives it back
-- gives 1 if it is ours now, else 0
-- race  a holder that was too slow does not take it from the next: it looks and sets in one step.
-- again gives the same, and moves the end.
local by = redis.call('GET', KEYS[1])
if by and by ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
