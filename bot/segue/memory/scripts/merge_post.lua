-- merge_post: letters, addresses and consent that came to the other meanwhile arrive here.
--
-- KEYS  c, inbox, seen, consent
-- ARGV  1 customer  2 intent  3 addresses to add  4 to take away, one after the other
--       5 opted out, to add  6 retention s  7 before what is there (0, 1)  8 consents, how many
--       then those, and per letter number, letter, digest, seen until s
-- gives {posted, number of the last letter of theirs that is here} {lost}
-- race  two processes do one merge: letters are numbered, and what is here already is passed by.
-- again the same.
--!include merging
local c, inbox, seen, consent = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'gl', 'n', 'a', 'x')
if h[1] ~= ARGV[2] then return {'lost'} end
local last, number = tonumber(h[2]) or 0, tonumber(h[3]) or 0
local n_consents = tonumber(ARGV[8])
for i = 9, 8 + n_consents do
  local entry = ARGV[i]
  if not redis.call('LPOS', consent, entry) then redis.call('RPUSH', consent, entry) end
  redis.call('EXPIRE', consent, ARGV[6])
end
local brought = {}
for i = 9 + n_consents, #ARGV, 4 do
  if tonumber(ARGV[i]) > last then
    last, number = tonumber(ARGV[i]), number + 1
    brought[#brought + 1] = ARGV[i + 1]
    redis.call('ZADD', seen, ARGV[i + 3], ARGV[i + 2])
  end
end
-- What came in while these were on their way was written after them.
for i = 1, #brought do
  if ARGV[7] == '1' then
    redis.call('LPUSH', inbox, brought[#brought + 1 - i])
  else
    redis.call('RPUSH', inbox, brought[i])
  end
end
redis.call('EXPIRE', inbox, ARGV[6])
local a, x = with(without(h[4] or '', ARGV[4]), ARGV[3]), with(h[5] or '', ARGV[5])
redis.call('HSET', c, 'gl', last, 'n', number, 'a', a)
if x ~= '' then redis.call('HSET', c, 'x', x) end
return {'posted', last}
