-- folded: how much of a transcript is folded, and the chunks. Reads only.
--
-- KEYS  c, log, old
-- ARGV  1 customer  2 with the chunks (0, 1)
-- gives {lines that are folded, lines that are not, lines before the first chunk, chunks}
-- race  fold may run in between: merge_part looks at the first number again.
local h = redis.call('HMGET', KEYS[1], 'l', 'b')
local kept, chunks = redis.call('LLEN', KEYS[2]), {}
if ARGV[2] == '1' then chunks = redis.call('LRANGE', KEYS[3], 0, -1) end
return {(tonumber(h[1]) or 0) - kept, kept, tonumber(h[2]) or 0, chunks}
