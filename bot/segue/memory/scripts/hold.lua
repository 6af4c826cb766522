-- hold: the platform wants a pause: nobody takes from this bucket until it is over.
--
-- KEYS  bucket
-- ARGV  1 ms
-- gives nothing
-- race  two processes are told so at once: the longer pause counts. The bucket is empty when it ends,
--       so that what has waited does not come all at once.
-- again the pause is counted from the second time.
--!include time
local now = server_time()
local closed = math.max(tonumber(redis.call('HGET', KEYS[1], 'p')) or 0, now + ARGV[1])
redis.call('HSET', KEYS[1], 'n', 0, 't', closed, 'p', closed)
redis.call('EXPIRE', KEYS[1], math.ceil((closed - now) / 1000) + 120)
