-- merge_land: the other customer's lines, state, addresses, rows and marks arrive, all in one step.
--
-- KEYS  c, out, log, seen, join, undo, consent, got
-- ARGV  1 customer  2 intent  3 version  4 state  5 addresses  6 opted out  7 controller  8 flags
--       9 parked (0, 1)  10 wake channel  11 joined  12 timer ms left (0: none)  13 id of the merge
--       14 record for the undo  15 its life s  16 retention s  17 seen key lives s  18 lines
--       19 unreachable  20 late (0, 1)  21 rows  22 receipts  23 consents
--       then per row entry, id, blob; row and what is known of it; consents; second and digest of each mark
-- gives {landed, first line, last line} {busy} {conflict} {lost}
-- race  whoever reads the transcript sees it before or after. Between landing here and the other's
--       `moved`, letters still go to the other; merge_tail brings them.
-- again finds `gj` and answers as the first time.
--!include time, outbox, merging
local c, out, log, seen, join, undo, consent = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'v', 'l', 'gj')
if h[1] ~= ARGV[2] then return {'lost'} end
local lines = tonumber(h[3]) or 0
if h[4] then
  local first = tonumber(h[4])
  return {'landed', first, first + ARGV[18] - 1}
end
if not at_rest(c) then return {'busy'} end
if h[2] ~= ARGV[3] then return {'conflict'} end
local staged = {}
if redis.call('LINDEX', join, 0) == ARGV[2] then staged = redis.call('LRANGE', join, 1, -1) end
if #staged ~= tonumber(ARGV[18]) then return {'conflict'} end
push(log, staged)
local rows, n_rows, n_known, n_consents = {}, tonumber(ARGV[21]), tonumber(ARGV[22]), tonumber(ARGV[23])
for i = 0, n_rows - 1 do
  local row = open(ARGV[24 + i * 3])
  row[ID], row[BLOB] = ARGV[25 + i * 3], ARGV[26 + i * 3]
  rows[#rows + 1] = cmsgpack.pack(row)
end
push(out, rows)
local known_at = 24 + n_rows * 3
for i = 0, n_known - 1 do
  redis.call('HSETNX', got, ARGV[known_at + i * 2], ARGV[known_at + i * 2 + 1])
end
if n_known > 0 then redis.call('EXPIRE', got, 2592000) end
local consents_at, consents = known_at + n_known * 2, {}
for i = 0, n_consents - 1 do consents[#consents + 1] = ARGV[consents_at + i] end
push(consent, consents)
redis.call('EXPIRE', consent, ARGV[16])
local marks = {}
for i = consents_at + n_consents, #ARGV do marks[#marks + 1] = ARGV[i] end
remember(seen, marks)

redis.call('HSET', c, 'v', ARGV[3] + 1, 's', ARGV[4], 'a', ARGV[5], 'l', lines + #staged,
  'j', ARGV[11], 'gj', lines + 1)
local optional = {x = ARGV[6], k = ARGV[7], f = ARGV[8] ~= '0' and ARGV[8] or '',
  q = ARGV[9] ~= '0' and '1' or '', u = ARGV[19], z = ARGV[20] ~= '0' and '1' or '', w = ARGV[12] ~= '0' and server_time() + ARGV[12] or ''}
for name, value in pairs(optional) do
  if value ~= '' then redis.call('HSET', c, name, value) else redis.call('HDEL', c, name) end
end
redis.call('DEL', join)
redis.call('HSET', undo, ARGV[13], string.format('%d %d ', lines + 1, lines + #staged) .. ARGV[14])
redis.call('EXPIRE', undo, ARGV[15])
redis.call('EXPIRE', c, ARGV[16])
redis.call('EXPIRE', log, ARGV[16])
redis.call('EXPIRE', out, ARGV[16])
redis.call('EXPIRE', seen, ARGV[17])
redis.call('PUBLISH', ARGV[10], ARGV[1])
return {'landed', lines + 1, lines + #staged}
