-- once: what a request with an idempotency key came to, so that the same one comes to it again.
--
-- KEYS  once
-- ARGV  1 what (claim, keep, drop)  2 record  3 life s
-- gives the record that stands now
-- race  two requests with one key at once: the first claim stands, both act by it.
-- again the same.
local key = KEYS[1]
if ARGV[1] == 'drop' then
  redis.call('DEL', key)
  return ''
end
if ARGV[1] == 'claim' then
  local there = redis.call('GET', key)
  if there then return there end
end
redis.call('SET', key, ARGV[2], 'EX', ARGV[3])
return ARGV[2]
