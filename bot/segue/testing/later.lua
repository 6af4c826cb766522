-- later: time passes for one customer, as the server's clock has it (rehearsals).
--
-- KEYS  c, out
-- ARGV  1 customer  2 ms for leases, claims and waiting rows  3 ms for the next timer
-- gives nothing
-- race  none: a rehearsal has one process at a time.
local c, out, ms = KEYS[1], KEYS[2], tonumber(ARGV[2])
local AT, EXPIRES = 4, 6
local deadline = redis.call('HGET', c, 'd')
if deadline then redis.call('HSET', c, 'd', deadline - ms) end
local timer = redis.call('HGET', c, 'w')
if timer then redis.call('HSET', c, 'w', timer - ARGV[3]) end
local rows = redis.call('LRANGE', out, 0, -1)
for i = 1, #rows do
  local row = cmsgpack.unpack(rows[i])
  row[AT] = row[AT] - ms
  if row[EXPIRES] > 0 then row[EXPIRES] = math.max(row[EXPIRES] - ms, 1) end
  redis.call('LSET', out, i - 1, cmsgpack.pack(row))
end
