-- trim: let go of the entries of a stream that are too old.
--
-- KEYS  stream
-- ARGV  1 the oldest that stays, ms
-- gives how many went
-- race  none: what is added meanwhile is new.
-- again finds nothing.
return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
