-- merge_waiting: the letters that merge_part has put aside. Reads only.
--
-- KEYS  c, join
-- ARGV  1 customer  2 intent
-- gives {waiting, letters} {lost}
-- race  none: only merge_finish takes them away, when they have arrived.
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[2] then return {'lost'} end
return {'waiting', redis.call('LRANGE', KEYS[2], 1, -1)}
