-- merge_unlock: give a customer free again with nothing done.
--
-- KEYS  c, inbox, out, due, join, events, got
-- ARGV  1 customer  2 intent  3 digest of the intent, if it is called off here for good
-- gives {done} {landed}
-- race  only before anything was landed (`gj`): from then on there is only forward.
-- again does nothing.
--!include time, due, outbox
local c, inbox, out, due, join, events = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'gj')
if h[1] == ARGV[2] and h[2] then return {'landed'} end
if ARGV[3] ~= '' and redis.call('HEXISTS', c, 'v') == 1 then
  redis.call('HSET', c, 'gd', string.sub(ARGV[3] .. (redis.call('HGET', c, 'gd') or ''), 1, 64))
end
if h[1] ~= ARGV[2] then return {'done'} end
redis.call('HDEL', c, 'g', 'gl')
redis.call('DEL', join)
local now = server_time()
local _, soonest = walk(out, events, ARGV[1], '', now, 0, nil)
reschedule(c, inbox, due, ARGV[1], now, soonest)
return {'done'}
