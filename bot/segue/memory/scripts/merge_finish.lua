-- merge_finish: it is done: the customer may be answered again, and a letter of ours says what was.
--
-- KEYS  c, inbox, due, join, undo
-- ARGV  1 customer  2 intent  3 letter, or empty  4 id of a merge that cannot be undone any more
--       5 retention s  6 digest of the intent
-- gives {done}
-- race  a second process finds the intent gone, and posts no second letter.
-- again the same.
--!include time
local c, inbox, due, join, undo = unpack(KEYS)
if redis.call('HGET', c, 'g') ~= ARGV[2] then return {'done'} end
redis.call('HDEL', c, 'g', 'gj', 'gl', 'gm')
redis.call('HSET', c, 'gd', string.sub(ARGV[6] .. (redis.call('HGET', c, 'gd') or ''), 1, 64))
redis.call('DEL', join)
if ARGV[4] ~= '' then redis.call('HDEL', undo, ARGV[4]) end
if ARGV[3] ~= '' then
  redis.call('RPUSH', inbox, ARGV[3])
  redis.call('EXPIRE', inbox, ARGV[5])
  redis.call('HINCRBY', c, 'n', 1)
end
redis.call('ZADD', due, server_time(), ARGV[1])
return {'done'}
