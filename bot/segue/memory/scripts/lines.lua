-- lines: read the transcript after a line number. Reads only.
--
-- KEYS  c, log, old
-- ARGV  1 customer  2 after  3 limit  4 lines per chunk
-- gives {last number, number of the first line given, lines, chunk or empty}
-- race  fold moves lines from the list into a chunk; in one script a reader sees each line once.
local last = tonumber(redis.call('HGET', KEYS[1], 'l')) or 0
local kept = redis.call('LLEN', KEYS[2])
local after, limit, size = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if after < 0 then after = 0 end
if after >= last then return {last, last + 1, {}, ''} end
local folded = last - kept
if after < folded then
  local chunk = redis.call('LINDEX', KEYS[3], math.floor(after / size))
  if chunk then return {last, math.floor(after / size) * size + 1, {}, chunk} end
  after = folded
end
local from = after - folded
return {last, after + 1, redis.call('LRANGE', KEYS[2], from, from + limit - 1), ''}
