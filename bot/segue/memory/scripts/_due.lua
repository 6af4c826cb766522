-- part: the recovery index. A customer stands in `due` at the earliest moment when somebody must
-- look: the end of the lease, the next timer, the next row of the outbox. Nothing left: not in it.
local function schedule(due, customer, deadline, timer, row)
  local at = deadline
  if timer and timer > 0 and (not at or timer < at) then at = timer end
  if row and (not at or row < at) then at = row end
  if at then
    redis.call('ZADD', due, at, customer)
  else
    redis.call('ZREM', due, customer)
  end
end

-- The same from what is stored, for scripts that only touched the outbox. Letters that nobody holds
-- a lease for are due now, and so is telling a customer of a parked one (`q`) or a late reply (`z`),
-- and going on with a merge (`g`).
local function reschedule(c, inbox, due, customer, now, row)
  local h = redis.call('HMGET', c, 'd', 'w', 'q', 'z', 'g')
  local deadline = tonumber(h[1])
  if not deadline and (h[3] or h[4] or h[5] or redis.call('LLEN', inbox) > 0) then deadline = now end
  schedule(due, customer, deadline, tonumber(h[2]), row)
end
