-- address: the customer's record of their addresses, the truth that admit asks.
--
-- KEYS  c, inbox, out, due, events, got
-- ARGV  1 customer  2 what (create, add, drop, raise, lower)  3 address (`\nCHANNEL\tID\t`)  4 proof  5 retention s
-- gives {done} {there} (create: such a customer exists) {gone} {moved, to} {not-mine} (raise, lower)
-- race  dropping and admitting are scripts on one record: after the drop nothing is let in from that
--       address, and rows queued for it are cancelled in the same step.
-- again adding what is there, and dropping what is not, change nothing.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local customer, what, address = ARGV[1], ARGV[2], ARGV[3]
local now = server_time()
local h = redis.call('HMGET', c, 'v', 'a', 'm', 'd')

if what == 'create' then
  if h[1] then return {'there'} end
  redis.call('HSET', c, 'v', 0, 'e', 0, 'n', 0, 'a', address .. ARGV[4],
    'r', math.floor(now / 1000))
  redis.call('EXPIRE', c, ARGV[5])
  return {'done'}
end
if not h[1] then return {'gone'} end
if h[3] then return {'moved', h[3]} end

local a = h[2] or ''
local at, ends = string.find(a, address, 1, true)
if what == 'raise' or what == 'lower' then
  if not at then return {'not-mine'} end
  local level = tonumber(string.sub(a, ends + 1, ends + 1))
  local pick = what == 'raise' and math.max or math.min
  a = string.sub(a, 1, ends) .. pick(level, tonumber(ARGV[4])) .. string.sub(a, ends + 2)
  redis.call('HSET', c, 'a', a)
  return {'done'}
end
if at then a = string.sub(a, 1, at - 1) .. string.sub(a, ends + 2) end
if what == 'add' then
  a = a .. address .. ARGV[4]
  local away = redis.call('HGET', c, 'ya')
  local from, to = string.find(away or '', address, 1, true)
  if from then redis.call('HSET', c, 'ya', string.sub(away, 1, from - 1) .. string.sub(away, to + 1)) end
end
redis.call('HSET', c, 'a', a)
if what == 'drop' and (h[4] or redis.call('LLEN', inbox) > 0) then
  -- What was written there may still be answered: the commit leaves out what would go there.
  redis.call('HSET', c, 'ya', (redis.call('HGET', c, 'ya') or '') .. address)
end
if what == 'drop' and redis.call('EXISTS', out) == 1 then
  cancel(out, events, customer, address, nil, now, true)
  local _, soonest = walk(out, events, customer, '', now, 0, nil)
  reschedule(c, inbox, due, customer, now, soonest)
end
return {'done'}
