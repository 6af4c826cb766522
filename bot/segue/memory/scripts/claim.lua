-- claim: write the index entry of an address, unless it is somebody's.
--
-- KEYS  id
-- ARGV  1 customer  2 retention s  3 whose it may be now (empty: nobody's)
-- gives the customer it belongs to afterwards
-- race  two workers meet a new address at once: both get the same customer.
-- again gives the same.
local by = redis.call('GET', KEYS[1])
if by and by ~= ARGV[3] then return by end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
