-- walk: one step through the customers of this server, or of one partition in a cluster. Reads only.
--
-- KEYS  due
-- ARGV  1 cursor  2 pattern of customers' keys  3 how many keys to look at
-- gives {next cursor, '0' at the end, then the names of the keys found}
-- race  none: who comes or goes meanwhile may be missed or given twice, nobody else is.
local step = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local found = {step[1]}
for i = 1, #step[2] do found[i + 1] = step[2][i] end
return found
