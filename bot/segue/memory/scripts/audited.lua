-- audited: rows of the audit, oldest first, and what its ends must be. Reads only.
--
-- KEYS  audit, head
-- ARGV  1 after this id (empty: from the oldest)  2 limit
-- gives {number and digest of the last row, the same of the last that retention took, rows};
--       a row is {id, number, row, digest}
-- race  none: rows and ends are read in one step.
local audit, head = unpack(KEYS)
local from = '-'
if ARGV[1] ~= '' then from = '(' .. ARGV[1] end
local found, rows = redis.call('XRANGE', audit, from, '+', 'COUNT', ARGV[2]), {}
for i = 1, #found do
  local f = found[i][2]
  rows[i] = {found[i][1], tonumber(f[2]), f[4], f[6]}
end
local h = redis.call('HMGET', head, 'n', 'd', 'b', 'p')
return {tonumber(h[1]) or 0, h[2] or '', tonumber(h[3]) or 0, h[4] or '', rows}
