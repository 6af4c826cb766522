-- settle: what became of a send; and the lane's next row, claimed for the same process.
--
-- KEYS  c, inbox, out, due, events
-- ARGV  1 customer  2 operation  3 row id  4 lane  5 token of the claim
--       6 receipt (sent, failed, unknown, queued)  7 not before, ms from now  8 claim ms
-- gives {claims}: none or one {sends, row}
-- race  a claim that ran out was given to another: the late word `sent` still closes the row (it was
--       sent), any other late word is about a claim that is over, and is passed by.
--       A row leaves `due` only when it is settled.
--!include time, due, outbox
local c, inbox, out, due, events = unpack(KEYS)
local customer, op, id, lane, token, what = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local now, claim_ms = server_time(), tonumber(ARGV[8])
local entries = redis.call('LRANGE', out, 0, -1)
for i = 1, #entries do
  local row = cmsgpack.unpack(entries[i])
  if row[ID] == id then
    local mine = row[STATE] == CLAIMED and row[TOKEN] == token
    local close = nil
    if what == 'sent' then
      close = 'sent'
    elseif mine and what == 'queued' then
      row[STATE], row[AT], row[SENDS] = QUEUED, now + ARGV[7], row[SENDS] - 1
    elseif mine and what == 'unknown' and row[REPEAT] == 1 and row[SENDS] < 2 then
      row[STATE], row[AT] = QUEUED, now + ARGV[7]
    elseif mine then
      close = what
    end
    if close then
      receipt(events, customer, row, close)
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
