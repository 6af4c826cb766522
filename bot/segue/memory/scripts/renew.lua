-- renew: the turn goes on; keep the lease.
--
-- KEYS  c, inbox, due
-- ARGV  1 customer  2 epoch  3 lease ms
-- gives {renewed, deadline, flags, waiting} {fenced}
-- race  a lease that ran out and was taken by another is not brought back: the epoch has moved on.
--       One that ran out and was not taken is still ours.
-- again repeating it only moves the deadline.
--!include time
local h = redis.call('HMGET', KEYS[1], 'e', 'd', 'f')
if h[1] ~= ARGV[2] or not h[2] then return {'fenced'} end
local deadline = server_time() + ARGV[3]
redis.call('HSET', KEYS[1], 'd', deadline)
redis.call('ZADD', KEYS[3], deadline, ARGV[1])
return {'renewed', deadline, tonumber(h[3]) or 0, redis.call('LLEN', KEYS[2])}
