-- consent: opt a customer out of a channel, or in again, on somebody else's word than a message.
--
-- KEYS  c, inbox, out, due, events, consent, got
-- ARGV  1 customer  2 channel (`\nCHANNEL\t`)  3 out, in or asked  4 how we know  5 retention s
-- gives {done} {same} (it was so already) {gone} {moved, to}
-- race  a turn that runs is not fenced; its commit finds `y` and drops its words for that channel.
--       What was queued for it is cancelled here, in the same script.
-- again finds it the same.
--!include time, due, outbox, consent
local c, inbox, out, due, events, record = unpack(KEYS)
local customer, channel, what = ARGV[1], ARGV[2], ARGV[3]
local now = server_time()
local h = redis.call('HMGET', c, 'v', 'm', 'x', 'd', 'y')
if not h[1] then return {'gone'} end
if h[2] then return {'moved', h[2]} end
local x = h[3] or ''
local at, ends = string.find(x, channel, 1, true)
if (what == 'out' and at) or (what == 'in' and not at) then return {'same'} end
if what == 'out' then
  redis.call('HSET', c, 'x', x .. channel)
  if (tonumber(h[4]) or 0) > now then redis.call('HSET', c, 'y', (h[5] or '') .. channel) end
  if redis.call('EXISTS', out) == 1 then
    cancel(out, events, customer, channel, nil, now)
    local _, soonest = walk(out, events, customer, '', now, 0, nil)
    reschedule(c, inbox, due, customer, now, soonest)
  end
elseif what == 'in' then
  x = string.sub(x, 1, at - 1) .. string.sub(x, ends + 1)
  if x ~= '' then redis.call('HSET', c, 'x', x) else redis.call('HDEL', c, 'x') end
end
note_consent(record, ARGV[5], now, what, ARGV[4], channel, '')
return {'done'}
