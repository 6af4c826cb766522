-- who: whether there is such a customer, or whom they have become. Reads only.
--
-- KEYS  c
-- ARGV  1 customer
-- gives {here, intent} {moved, to, intent} {gone, ''}; the intent is of a merge under way, or ''
-- race  none: it only reads.
local h = redis.call('HMGET', KEYS[1], 'v', 'm', 'g')
if not h[1] then return {'gone', ''} end
if h[2] then return {'moved', h[2], h[3] or ''} end
return {'here', h[3] or ''}
