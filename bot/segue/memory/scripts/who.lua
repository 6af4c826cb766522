-- who: whether there is such a customer, or whom they have become. Reads only.
--
-- KEYS  c
-- ARGV  1 customer
-- gives {here} {moved, to} {gone}
-- race  none: it only reads.
local h = redis.call('HMGET', KEYS[1], 'v', 'm')
if not h[1] then return {'gone'} end
if h[2] then return {'moved', h[2]} end
return {'here'}
