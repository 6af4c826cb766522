-- consents: the record of consent of one customer, oldest first. Reads only.
--
-- KEYS  consent
-- ARGV  1 customer
-- gives the entries, as `_consent.lua` wrote them
-- race  none.
return redis.call('LRANGE', KEYS[1], 0, -1)
