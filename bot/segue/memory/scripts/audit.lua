-- audit: append a row to the audit, chained to the one before.
--
-- KEYS  audit, head
-- ARGV  1 digest that the row continues  2 the row  3 its digest  4 life of a row s
-- gives {done, id} {behind, number, digest of the last row}
-- race  two processes append at once: a row names the digest of the one before it, so one of them
--       finds that it is behind, and makes its row anew. No two rows continue the same one.
-- again finds its row among the last and gives its id.
--
-- `head`: n, d number and digest of the last row; b, p those of the last row that retention took.
-- So rows missing at either end are noticed too. A row that is too old is taken with its number.
--!include time
local audit, head = unpack(KEYS)
local h = redis.call('HMGET', head, 'n', 'd')
local number, last = tonumber(h[1]) or 0, h[2] or ''
if last ~= ARGV[1] then
  local recent = redis.call('XREVRANGE', audit, '+', '-', 'COUNT', 64)
  for i = 1, #recent do
    if recent[i][2][6] == ARGV[3] then return {'done', recent[i][1]} end
  end
  return {'behind', number, last}
end
local id = redis.call('XADD', audit, '*', 'n', number + 1, 'row', ARGV[2], 'digest', ARGV[3])
redis.call('HSET', head, 'n', number + 1, 'd', ARGV[3])
local old = redis.call('XRANGE', audit, '-', server_time() - ARGV[4] * 1000, 'COUNT', 100)
for i = 1, #old do
  redis.call('XDEL', audit, old[i][1])
  redis.call('HSET', head, 'b', old[i][2][2], 'p', old[i][2][6])
end
redis.call('EXPIRE', audit, ARGV[4])
redis.call('EXPIRE', head, ARGV[4])
return {'done', id}
