-- merge_lock: set a customer aside for a merge or its undo: letters are kept, no lease is given out.
--
-- KEYS  c, due
-- ARGV  1 customer  2 intent  3 whom this one may have been merged into, or empty  4 patience ms
--       5 digest of the intent
-- gives {locked} {held, intent} {gone} {moved, to} {done} (it was finished here before)
-- race  two merges want one customer: the first has it, the second is told whose it is. Both sides
--       are locked in the order of their ids, so nobody waits for somebody who waits for them.
-- again finds its own intent.
--!include time
local h = redis.call('HMGET', KEYS[1], 'v', 'm', 'g', 'd', 'gd')
if not h[1] then return {'gone'} end
if h[5] and string.find(h[5], ARGV[5], 1, true) then return {'done'} end
if h[3] and h[3] ~= ARGV[2] then return {'held', h[3]} end
if h[2] and h[2] ~= ARGV[3] then return {'moved', h[2]} end
if not h[3] then redis.call('HSET', KEYS[1], 'g', ARGV[2]) end
-- If whoever does this dies, somebody finds the customer here.
if not h[4] then redis.call('ZADD', KEYS[2], server_time() + ARGV[4], ARGV[1]) end
return {'locked'}
