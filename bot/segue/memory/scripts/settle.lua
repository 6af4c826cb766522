-- settle: what became of a send; and the lane's next row, claimed for the same process.
--
-- KEYS  c, inbox, out, due, events, got
-- ARGV  1 customer  2 operation  3 row id  4 lane  5 token of the claim
--       6 what: sent, failed, unknown (it may have been taken), queued (surely not taken),
--         back (nothing was tried)
--       7 not before, ms from now  8 why  9 counted as a try (0, 1)  10 claim ms
-- gives {claims}: none or one, see `claim_of`
-- race  a claim that ran out was given to another: the late word `sent` still closes the row (it was
--       sent), any other late word is about a claim that is over, and is passed by.
--       A status callback may be quicker than the sender: what it said of the row is in `got`.
--       A row leaves `due` only when it is settled.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local customer, op, id, lane, token, what = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local now, why, claim_ms = server_time(), ARGV[8], tonumber(ARGV[10])
local entries = redis.call('LRANGE', out, 0, -1)
for i = 1, #entries do
  local row = open(entries[i])
  if row[ID] == id then
    local mine = row[STATE] == CLAIMED and row[TOKEN] == token
    local close = nil
    if what == 'sent' then
      close = 'sent'
    elseif mine and (what == 'queued' or what == 'back') then
      if what == 'queued' or row[DOUBT] == 0 then row[SENDS] = math.max(row[SENDS] - 1, 0) end
      if what == 'queued' then row[DOUBT] = 0 end
      row[STATE], row[AT], row[TRIES] = QUEUED, now + ARGV[7], row[TRIES] + ARGV[9]
      if has(row[FLAGS], 16) and row[DOUBT] == 0 then
        close = row[SENDS] > 0 and 'unknown' or 'cancelled'
      end
    elseif mine and what == 'unknown' then
      close = doubtful(row, now + ARGV[7])
    elseif mine then
      close = what
    end
    if close then
      receipt(events, customer, row, close, now, why)
      if close == 'failed' and (why == 'blocked' or why == 'no_address') then
        unreachable(c, row[LANE])
      end
      given_up = close == 'failed' and why == 'gave_up' and has(row[FLAGS], 4)
      redis.call('LSET', out, i - 1, '')
      redis.call('LREM', out, 1, '')
    elseif mine then
      redis.call('LSET', out, i - 1, cmsgpack.pack(row))
    end
    break
  end
end
local claims, soonest = walk(out, events, customer, op, now, claim_ms, lane)
reschedule(c, inbox, due, customer, now, soonest)
return claims
