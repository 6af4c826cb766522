-- merge_restore: an undo: the one who went is there again, with what was said at their addresses.
--
-- KEYS  c, was, out, log, old, seen, due, join, consent, got
-- ARGV  1 customer  2 intent  3 state  4 addresses  5 opted out  6 retention s  7 seen key lives s
--       8 lines  9 rows  10 timer ms left (0: none)  11 patience ms
--       12 consents  then the rows as they stand in the outbox, the consents, then second and digest of each mark
-- gives {restored} {ended} (nothing is kept of them any more) {conflict} {lost}
-- race  nobody is answered here before the other side has let go: the intent still stands.
-- again finds `gj`.
--!include time, outbox, merging
local c, was, out, log, old, seen, due, join, consent = unpack(KEYS)
local h = redis.call('HMGET', c, 'g', 'gj', 'e', 'v', 'n')
if h[1] ~= ARGV[2] then return {'lost'} end
if h[2] then return {'restored'} end
if redis.call('EXISTS', was) == 0 then return {'ended'} end
local staged = {}
if redis.call('LINDEX', join, 0) == ARGV[2] then staged = redis.call('LRANGE', join, 1, -1) end
if #staged ~= tonumber(ARGV[8]) then return {'conflict'} end
redis.call('DEL', c)
redis.call('RENAME', was, c)
push(log, staged)
local rows, n_rows = {}, tonumber(ARGV[9])
for i = 0, n_rows - 1 do rows[#rows + 1] = ARGV[13 + i] end
push(out, rows)
local consents, n_consents = {}, tonumber(ARGV[12])
for i = 0, n_consents - 1 do consents[#consents + 1] = ARGV[13 + n_rows + i] end
redis.call('DEL', consent)
push(consent, consents)
local marks = {}
for i = 13 + n_rows + n_consents, #ARGV do marks[#marks + 1] = ARGV[i] end
remember(seen, marks)
redis.call('HSET', c, 's', ARGV[3], 'a', ARGV[4], 'v', h[4] + 1, 'e', h[3], 'n', h[5],
  'l', (tonumber(redis.call('HGET', c, 'l')) or 0) + #staged, 'g', ARGV[2], 'gj', 1,
  'r', math.floor(server_time() / 1000))
redis.call('HDEL', c, 'm', 'k')
if ARGV[5] ~= '' then redis.call('HSET', c, 'x', ARGV[5]) else redis.call('HDEL', c, 'x') end
if ARGV[10] ~= '0' then redis.call('HSET', c, 'w', server_time() + ARGV[10]) end
redis.call('DEL', join)
for _, key in ipairs({c, out, log, old, consent}) do redis.call('EXPIRE', key, ARGV[6]) end
redis.call('EXPIRE', seen, ARGV[7])
redis.call('ZADD', due, server_time() + ARGV[11], ARGV[1])
return {'restored'}
