-- install: agree on the number of partitions and the schema, once for the whole installation.
--
-- KEYS  meta
-- ARGV  1 partitions  2 schema  3 the caller's time, ms
-- gives {partitions, schema, the caller's clock minus ours in ms}
-- race  two first starts at once: the first one's number stands.
--!include time
redis.call('HSETNX', KEYS[1], 'partitions', ARGV[1])
redis.call('HSETNX', KEYS[1], 'schema', ARGV[2])
local h = redis.call('HMGET', KEYS[1], 'partitions', 'schema')
return {tonumber(h[1]), tonumber(h[2]), ARGV[3] - server_time()}
