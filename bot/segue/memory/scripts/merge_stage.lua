-- merge_stage: lay lines down beside a transcript, to be landed in one step: no reader sees half.
--
-- KEYS  c, join
-- ARGV  1 customer  2 intent  3 how many are there already  4 life s  then the lines
-- gives {staged, how many} {lost}
-- race  two processes do one merge: a piece that is there already is not laid down again.
-- again the same.
local c, join = KEYS[1], KEYS[2]
if redis.call('HGET', c, 'g') ~= ARGV[2] then return {'lost'} end
if redis.call('LINDEX', join, 0) ~= ARGV[2] then
  redis.call('DEL', join)
  redis.call('RPUSH', join, ARGV[2])
end
local there = redis.call('LLEN', join) - 1
if there == tonumber(ARGV[3]) and #ARGV > 4 then
  redis.call('RPUSH', join, unpack(ARGV, 5))
  there = there + #ARGV - 4
end
redis.call('EXPIRE', join, ARGV[4])
return {'staged', there}
