-- discard: throw a parked letter away.
--
-- KEYS  dead
-- ARGV  1 id
-- gives 1, or 0 if it is not there
-- race  retry and discard at once: the entry is taken out by one of them.
-- again gives 0.
return redis.call('XDEL', KEYS[1], ARGV[1])
