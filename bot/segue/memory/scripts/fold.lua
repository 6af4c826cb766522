-- fold: put the oldest lines away, compressed by the caller.
--
-- KEYS  c, log, old
-- ARGV  1 customer  2 lines before them  3 the chunk  4 how many  5 retention s
-- gives 1, or 0 if somebody else has done it
-- race  two processes fold the same lines: the second finds another beginning, and does nothing. So
--       a repeated operation does nothing either. Chunk and trim are one script: no line is lost.
--       Who was erased meanwhile gets no chunk.
if redis.call('HEXISTS', KEYS[1], 'v') == 0 then return 0 end
local before = (tonumber(redis.call('HGET', KEYS[1], 'l')) or 0) - redis.call('LLEN', KEYS[2])
if before ~= tonumber(ARGV[2]) then return 0 end
if redis.call('RPUSH', KEYS[3], ARGV[3]) == 1 then
  redis.call('EXPIRE', KEYS[3], ARGV[5])
  redis.call('HSET', KEYS[1], 'b', before)
end
redis.call('LTRIM', KEYS[2], ARGV[4], -1)
return 1
