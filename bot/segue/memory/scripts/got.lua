-- got: what became of a customer's rows.
--
-- KEYS  got
-- ARGV  1 customer
-- gives row, letter + when + `\t` + why + `\t` + channel instead, …
-- race  none: it only reads.
return redis.call('HGETALL', KEYS[1])
