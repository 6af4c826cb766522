-- owner: whose address is this, by the index.
--
-- KEYS  id
-- ARGV  1 retention s
-- gives the customer, or nothing
-- race  none: the customer's record is the truth, this only says where to ask. Its life is moved on
--       when a tenth of it has passed, so that reading rarely writes.
local customer = redis.call('GET', KEYS[1])
if customer and redis.call('TTL', KEYS[1]) < ARGV[1] * 0.9 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return customer
