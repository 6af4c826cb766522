-- parked: letters that were given up, oldest first. Reads only.
--
-- KEYS  dead
-- ARGV  1 after this id (empty: from the oldest)  2 limit
-- gives {id, customer, letter, why} each
-- race  none.
local from = '-'
if ARGV[1] ~= '' then from = '(' .. ARGV[1] end
local found = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[2])
local out = {}
for i = 1, #found do
  local f = {}
  for j = 1, #found[i][2], 2 do f[found[i][2][j]] = found[i][2][j + 1] end
  out[i] = {found[i][1], f['customer'], f['letter'], f['why']}
end
return out
