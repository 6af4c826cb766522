-- tail: what turns have told since a cursor, of each of these partitions. Reads only.
--
-- KEYS  events of one partition, or of many where the server is not a cluster
-- ARGV  1 most per partition  then a cursor for each key
-- gives for each key {cursor, then id, customer, event each}; entries about rows only move the cursor
-- race  none: what is added meanwhile comes the next time.
local found = {}
for i = 1, #KEYS do
  local entries = redis.call('XRANGE', KEYS[i], '(' .. ARGV[i + 1], '+', 'COUNT', ARGV[1])
  local part = {ARGV[i + 1]}
  for j = 1, #entries do
    local id, fields = entries[j][1], entries[j][2]
    part[1] = id
    if fields[3] == 'event' then
      part[#part + 1] = id
      part[#part + 1] = fields[2]
      part[#part + 1] = fields[4]
    end
  end
  found[i] = part
end
return found
