-- release: hand the lease back with nothing done (shutdown). It does not count as a failed try.
--
-- KEYS  c, inbox, out, due, events, got
-- ARGV  1 customer  2 epoch
-- gives {released} {fenced}
-- race  work that came in meanwhile is put on `due` in the same script, so that it is seen at once.
-- again the second time it is fenced, and nothing is lost by that.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local h = redis.call('HMGET', c, 'e', 'd', 't')
if h[1] ~= ARGV[2] or not h[2] then return {'fenced'} end
local now = server_time()
redis.call('HDEL', c, 'd', 'o')
local tries = (tonumber(h[3]) or 1) - 1
if tries > 0 then redis.call('HSET', c, 't', tries) else redis.call('HDEL', c, 't') end
local _, soonest = walk(out, events, ARGV[1], '', now, 0, nil)
reschedule(c, inbox, due, ARGV[1], now, soonest)
return {'released'}
