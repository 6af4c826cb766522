-- unclaim: drop the index entry of an address, if it still names this customer.
--
-- KEYS  id
-- ARGV  1 customer
-- gives 1 or 0
-- race  the address has been given to another meanwhile: their entry stays.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
