-- reindex: let the index name another customer, if it names the one who had the address.
--
-- KEYS  id
-- ARGV  1 whose it was  2 whose it is  3 retention s
-- gives 1 or 0
-- race  an address that was never indexed, or is somebody else's by now, stays so.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
