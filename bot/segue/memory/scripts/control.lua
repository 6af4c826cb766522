-- control: who speaks to this customer, the bot (empty) or one agent.
--
-- KEYS  c, inbox, out, due, events, got
-- ARGV  1 customer  2 agent's id, or empty  3 who must be speaking now (`*`: anybody)
-- gives {done} {held, by whom} {moved, to} {gone}
-- race  a bot's turn that is running is not fenced; its commit finds `k` and drops its words. What
--       the bot had queued is cancelled here, in the same script.
-- again asking for what already is, is done.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local customer, agent = ARGV[1], ARGV[2]
local h = redis.call('HMGET', c, 'v', 'k', 'm')
if not h[1] then return {'gone'} end
if h[3] then return {'moved', h[3]} end
local by = h[2] or ''
if by == agent then return {'done'} end
if ARGV[3] ~= '*' and ARGV[3] ~= by then return {'held', by} end
if agent == '' then
  redis.call('HDEL', c, 'k')
  return {'done'}
end
redis.call('HSET', c, 'k', agent)
if by == '' and redis.call('EXISTS', out) == 1 then
  local now = server_time()
  cancel(out, events, customer, nil, nil, now)
  local _, soonest = walk(out, events, customer, '', now, 0, nil)
  reschedule(c, inbox, due, customer, now, soonest)
end
return {'done'}
