-- erase_begin: from here on there is no such customer: a running turn is fenced, nothing is sent,
-- what comes in is turned away. What is left is read once more for what else must go, and then goes.
--
-- KEYS  c, inbox, out, due
-- ARGV  1 customer  2 actor  3 patience ms  4 life of what is left s
-- gives {begun, actor, addresses, joined} {held, intent} {moved, to} {gone}
-- race  a turn's commit comes before, and is erased with the rest, or after, and is fenced. If
--       whoever erases dies, somebody finds the customer in `due`.
-- again gives the same until erase_finish.
--!include time
local c, inbox, out, due = unpack(KEYS)
local h = redis.call('HMGET', c, 'v', 'm', 'g', 'ga', 'a', 'j')
if not h[1] and not h[4] then return {'gone'} end
if h[1] then
  if h[2] then return {'moved', h[2]} end
  if h[3] then return {'held', h[3]} end
  redis.call('HDEL', c, 'v', 'e', 'd', 'o', 's', 'k', 'x', 'y', 'w', 'f', 'q', 'z', 'u')
  redis.call('HSET', c, 'ge', math.floor(server_time() / 1000), 'ga', ARGV[2])
  redis.call('EXPIRE', c, ARGV[4])
  redis.call('DEL', inbox, out)
  h[4] = ARGV[2]
end
redis.call('ZADD', due, server_time() + ARGV[3], ARGV[1])
return {'begun', h[4], h[5] or '', h[6] or ''}
