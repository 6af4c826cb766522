-- lines: read the transcript after a line number. Reads only.
--
-- KEYS  c, log, old
-- ARGV  1 customer  2 after  3 limit  4 lines per chunk
-- gives {moved, to, number there of the last line that came along} or {last number, number of the first line given, lines, chunk or empty}
-- race  fold moves lines from the list into a chunk; in one script a reader sees each line once.
-- `b` is how many lines came before the first chunk: chunks may have ended by their age.
local h = redis.call('HMGET', KEYS[1], 'l', 'b', 'm', 'ml')
if h[3] then return {'moved', h[3], tonumber(h[4])} end
local last, base = tonumber(h[1]) or 0, tonumber(h[2]) or 0
local kept = redis.call('LLEN', KEYS[2])
local after, limit, size = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if after < 0 then after = 0 end
if after >= last then return {last, last + 1, {}, ''} end
local folded = last - kept
if after < folded then
  if after < base then after = base end
  local which = math.floor((after - base) / size)
  local chunk = redis.call('LINDEX', KEYS[3], which)
  if chunk then return {last, base + which * size + 1, {}, chunk} end
  after = folded
end
local from = after - folded
return {last, after + 1, redis.call('LRANGE', KEYS[2], from, from + limit - 1), ''}
