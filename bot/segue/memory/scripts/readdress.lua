-- readdress: a customer's address has another id now: the record and what is queued follow.
--
-- KEYS  c, out
-- ARGV  1 customer  2 old address (`\nCHANNEL\tID\t`)  3 new address
-- gives 1 if the record names the new one afterwards, else 0
-- race  a row under way keeps its claim and gets the new lane; its sender settles it there.
-- again the old one is not there any more: nothing changes.
local c, out, old, new = KEYS[1], KEYS[2], ARGV[2], ARGV[3]
local h = redis.call('HMGET', c, 'a', 'm')
if not h[1] or h[2] then return 0 end
local a = h[1]
local at, ends = string.find(a, old, 1, true)
if at then
  local proof = string.sub(a, ends + 1, ends + 1)
  a = string.sub(a, 1, at - 1) .. string.sub(a, ends + 2)
  if not string.find(a, new, 1, true) then a = a .. new .. proof end
  redis.call('HSET', c, 'a', a)
end
if not string.find(a, new, 1, true) then return 0 end
local LANE = 2
local entries = redis.call('LRANGE', out, 0, -1)
for i = 1, #entries do
  local row = cmsgpack.unpack(entries[i])
  if row[LANE] == old then
    row[LANE] = new
    redis.call('LSET', out, i - 1, cmsgpack.pack(row))
  end
end
return 1
