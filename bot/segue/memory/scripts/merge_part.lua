-- merge_part: an undo: the one who stays lets go of what was the other's.
--
-- KEYS  c, inbox, out, log, old, join, consent, got
-- ARGV  1 customer  2 intent  3 version  4 state  5 opted out  6 joined  7 wake channel
--       8 timer ms left (0: none)  9 life of what waits to be brought s  10 addresses that leave
--       11 lines that are folded  12 rows  13 lines  14 lanes  15 chunks  16 consents: how
--       many of each; 17 who has those addresses back; then ids of rows; numbers of lines; channel and id of lanes; position and chunk
--       in its place; consents that stay
-- gives {parted} {conflict} {lost}
-- race  lines, addresses and letters go in one step: no reader and no turn of this customer sees one
--       without the other. Letters from those addresses wait in `join` until they have arrived.
-- again finds `gj`.
--!include time, outbox, merging
local c, inbox, out, log, old, join, consent = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'gj', 'v', 'l', 'a')
if h[1] ~= ARGV[2] then return {'lost'} end
if h[2] then return {'parted'} end
if not at_rest(c) or h[3] ~= ARGV[3] then return {'conflict'} end
-- A line that was taken away leaves an empty one: every cursor stays right.
local folded = (tonumber(h[4]) or 0) - redis.call('LLEN', log)
if folded ~= tonumber(ARGV[11]) then return {'conflict'} end
local at, ids, lanes, consents = 17, {}, {}, {}
local function following()
  at = at + 1
  return ARGV[at]
end
for _ = 1, tonumber(ARGV[12]) do ids[following()] = true end
for _ = 1, tonumber(ARGV[13]) do
  local number = tonumber(following())
  if number > folded then redis.call('LSET', log, number - folded - 1, '') end
end
for _ = 1, tonumber(ARGV[14]) do
  local channel = following()
  lanes[channel .. '\n' .. following()] = true
end
for _ = 1, tonumber(ARGV[15]) do
  local position = following()
  redis.call('LSET', old, position, following())
end
for i = 1, tonumber(ARGV[16]) do consents[i] = following() end
local kept = redis.call('TTL', consent)
redis.call('DEL', consent)
push(consent, consents)
if #consents > 0 then redis.call('EXPIRE', consent, kept) end
local rows = redis.call('LRANGE', out, 0, -1)
for i = 1, #rows do
  if ids[open(rows[i])[ID]] then redis.call('LSET', out, i - 1, '') end
end
redis.call('LREM', out, 0, '')
local letters, mine, theirs = redis.call('LRANGE', inbox, 0, -1), {}, {ARGV[2]}
for i = 1, #letters do
  local address = cmsgpack.unpack(string.sub(letters[i], 11)).address
  if lanes[address.channel .. '\n' .. address.id] then
    theirs[#theirs + 1] = letters[i]
  else
    mine[#mine + 1] = letters[i]
  end
end
local life = redis.call('TTL', inbox)
redis.call('DEL', inbox, join)
push(inbox, mine)
if #mine > 0 then redis.call('EXPIRE', inbox, life) end
push(join, theirs)
redis.call('EXPIRE', join, ARGV[9])
local wake, a = ARGV[7], without(h[5] or '', ARGV[10])
redis.call('HSET', c, 'v', ARGV[3] + 1, 's', ARGV[4], 'a', a, 'j', ARGV[6], 'gj', 1, 'gm', ARGV[17])
if ARGV[5] ~= '' then redis.call('HSET', c, 'x', ARGV[5]) else redis.call('HDEL', c, 'x') end
if ARGV[8] ~= '0' then redis.call('HSET', c, 'w', server_time() + ARGV[8]) else redis.call('HDEL', c, 'w') end
redis.call('PUBLISH', wake, ARGV[1])
return {'parted'}
