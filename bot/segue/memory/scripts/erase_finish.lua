-- erase_finish: nothing is left but a mark that somebody was erased here, without who.
--
-- KEYS  c, inbox, out, log, old, got, consent, seen, join, undo, was, due
-- ARGV  1 customer  2 life of the mark s  3 wake channel
-- gives 1
-- race  a late script that would make the customer anew (admit, fold) finds the mark.
-- again does nothing more.
--!include time
local c, wake = KEYS[1], ARGV[3]
local at = redis.call('HGET', c, 'ge') or math.floor(server_time() / 1000)
for i = 1, #KEYS - 1 do
  local key = KEYS[i]
  redis.call('DEL', key)
end
redis.call('ZREM', KEYS[12], ARGV[1])
redis.call('HSET', c, 'ge', at)
redis.call('EXPIRE', c, ARGV[2])
redis.call('PUBLISH', wake, ARGV[1])
return 1
