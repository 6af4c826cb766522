-- due: who needs looking at in these partitions, longest waiting first.
--
-- KEYS  due of one partition, or of many where the server is not a cluster
-- ARGV  1 most per partition
-- gives the customers
-- race  none: it only reads; `take` decides.
--!include time
local now, found = server_time(), {}
for i = 1, #KEYS do
  local customers = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, ARGV[1])
  for j = 1, #customers do found[#found + 1] = customers[j] end
end
return found
