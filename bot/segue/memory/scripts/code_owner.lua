-- code_owner: under which name the open code of its owner is noted.
--
-- KEYS  code
-- ARGV  1 nothing
-- gives the name, or nothing
-- race  none: a code never changes its owner, and what is done next looks again.
return redis.call('HGET', KEYS[1], 'm')
