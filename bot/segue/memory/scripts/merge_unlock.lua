-- merge_unlock: give a customer free again with nothing done.
--
-- KEYS  c, inbox, out, due, join, events, got
-- ARGV  1 customer  2 intent
-- gives {done}
-- race  only before anything was landed (`gj`): from then on there is only forward.
-- again does nothing.
--!include time, due, outbox
local c, inbox, out, due, join, events = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'gj')
if h[1] ~= ARGV[2] or h[2] then return {'done'} end
redis.call('HDEL', c, 'g', 'gl')
redis.call('DEL', join)
local now = server_time()
local _, soonest = walk(out, events, ARGV[1], '', now, 0, nil)
reschedule(c, inbox, due, ARGV[1], now, soonest)
return {'done'}
