-- under_way: what waits in and out of a customer. Reads only.
--
-- KEYS  inbox, out, got
-- ARGV  1 customer
-- gives {letters, contents of rows}
-- race  none: it only reads.
--!include outbox
local rows = redis.call('LRANGE', KEYS[2], 0, -1)
for i = 1, #rows do rows[i] = open(rows[i])[BLOB] end
return {redis.call('LRANGE', KEYS[1], 0, -1), rows}
