-- take: look after a customer who is due: unfinished turn, timer, unsent rows.
--
-- KEYS  c, inbox, out, due, dead, events, got
-- ARGV  1 customer  2 operation  3 judge timers as if it were so many ms later
--       4 lease ms  5 claim ms  6 most tries  7 batch
-- gives {answer of the lease, claims}; the first is
--       {granted, ...} {busy} {idle} {gone} {moved, to} {merging, intent}
--       {erasing}
-- race  two sweepers and an admit: one gets the lease. A holder that is slow, not dead, is fenced by
--       the new epoch.
--!include time, due, outbox, grant
local c, inbox, out, due, dead, events = unpack(KEYS)
local customer, op = ARGV[1], ARGV[2]
local now = server_time()
local h = read(c)

if not h and redis.call('HEXISTS', c, 'ga') == 1 then
  redis.call('ZADD', due, now + ARGV[4], customer)
  return {{'erasing'}, {}}
end
if not h or h.m then
  redis.call('ZREM', due, customer)
  if h then return {{'moved', h.m}, {}} end
  return {{'gone'}, {}}
end
if h.o == op and h.d > now then
  return {granted(h, inbox, h.e, h.v, h.d, 0, h.t, tonumber(ARGV[7]), h.s or ''), claimed_by(out, op)}
end

local claims, soonest, owed = walk(out, events, customer, op, now, tonumber(ARGV[5]), nil)
if owed then h.z = '1' end
if h.d > now then
  schedule(due, customer, h.d, nil, soonest)
  return {{'busy'}, claims}
end
-- A turn that was left in the middle is finished first; then whoever asks goes on with the merge.
if h.g and h.d == 0 and not h.h then
  redis.call('ZADD', due, now + ARGV[4], customer)
  return {{'merging', h.g}, {}}
end
local waiting = redis.call('LLEN', inbox)
local timer = h.w > 0 and h.w <= now + tonumber(ARGV[3])
if h.t >= tonumber(ARGV[6]) and (waiting > 0 or timer) then
  park(dead, c, inbox, customer, 'no turn for it was ever finished')
  h.t, h.q = 0, '1'
  if waiting > 0 then
    waiting = waiting - 1
  else
    redis.call('HDEL', c, 'w')
    h.w, timer = 0, false
  end
elseif h.t >= tonumber(ARGV[6]) and h.q then
  -- Not even saying so could be finished: leave it, the letter is in `dead`.
  redis.call('HDEL', c, 'q')
  h.t, h.q = 0, nil
end
if waiting == 0 and not timer and not h.q and not h.z then
  redis.call('HDEL', c, 'd', 'o', 't', 'h')
  schedule(due, customer, h.g and now or nil, h.w, soonest)
  return {{'idle'}, claims}
end
return {grant(h, c, inbox, due, customer, op, now, tonumber(ARGV[4]), 0, h.t + 1, tonumber(ARGV[7])), claims}
