-- spend_back: a code came back, so what was sent to this prefix and country was not for nothing.
--
-- KEYS  prefix, country
-- ARGV  none
-- gives 1
-- race  a count that ended meanwhile is not begun again.
-- again counts twice, which only favours customers who prove themselves.
for i = 1, 2 do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('HINCRBY', KEYS[i], 'c', 1) end
end
return 1
