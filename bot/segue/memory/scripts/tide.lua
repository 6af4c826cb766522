-- tide: up to when all that came in on a channel is known.
--
-- KEYS  tide
-- ARGV  1 ms since the epoch, or 0 to ask only  2 lives s
-- gives the moment, or 0
-- race  it only moves forward.
local known = tonumber(redis.call('GET', KEYS[1])) or 0
local at = tonumber(ARGV[1])
if at > known then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  known = at
end
return known
