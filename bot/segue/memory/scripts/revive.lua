-- revive: put a parked letter back at the end of its customer's inbox.
--
-- KEYS  c, inbox, due, dead
-- ARGV  1 customer  2 id in `dead`  3 operation  4 retention s
-- gives {done} {none} (no such letter) {gone} (the customer is)
-- race  two operators press retry: the entry is taken out in the same script, so one does it.
-- again finds none.
--!include time
local entry = redis.call('XRANGE', KEYS[4], ARGV[2], ARGV[2])[1]
if not entry then return {'none'} end
local h = redis.call('HMGET', KEYS[1], 'n', 'd')
if not h[1] then return {'gone'} end
local letter = ''
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'letter' then letter = entry[2][i + 1] end
end
redis.call('XDEL', KEYS[4], ARGV[2])
if letter ~= '' then
  redis.call('RPUSH', KEYS[2], ARGV[3] .. letter)
  redis.call('EXPIRE', KEYS[2], ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'n', 1)
  if not h[2] then redis.call('ZADD', KEYS[3], server_time(), ARGV[1]) end
end
return {'done'}
