-- code_drop: take a customer's open code back.
--
-- KEYS  mine
-- ARGV  1 nothing
-- gives 1 if there was one, else 0
-- race  with somebody who brings it: `code_use` asks `mine` in the same step that marks it used.
-- again gives 0, and changes nothing.
return redis.call('DEL', KEYS[1])
