-- reach: a platform says that a customer can, or cannot any more, be reached at an address.
--
-- KEYS  c
-- ARGV  1 customer  2 address (`\nCHANNEL\tID\t`)  3 1 can be reached, 0 cannot
-- gives 1 if the record has the address, else 0
-- race  a message that comes from there at the same time takes the mark back (`admit`).
-- again the mark is there already, or gone: nothing changes.
local c, lane = KEYS[1], ARGV[2]
local h = redis.call('HMGET', c, 'a', 'm', 'u')
if not h[1] or h[2] or not string.find(h[1], lane, 1, true) then return 0 end
local gone = h[3] or ''
local at, ends = string.find(gone, lane, 1, true)
if ARGV[3] == '0' and not at then
  redis.call('HSET', c, 'u', gone .. lane)
elseif ARGV[3] == '1' and at then
  redis.call('HSET', c, 'u', string.sub(gone, 1, at - 1) .. string.sub(gone, ends + 1))
end
return 1
