-- part: the outbox of one customer, a list in the order of decision.
--
-- An entry is {id, lane, state, at, sends, expires, repeat, token, blob}. A lane is one recipient
-- (channel and address); only the first row of a lane may be under way, so order is kept.
--   state 0, queued:  `at` is not before
--   state 1, claimed: `at` is until; `token` is the operation that claimed it
-- Events about rows are fields `receipt` of the stream, beside the engine's own `event`.
local QUEUED, CLAIMED = 0, 1
local ID, LANE, STATE, AT, SENDS, EXPIRES, REPEAT, TOKEN, BLOB = 1, 2, 3, 4, 5, 6, 7, 8, 9

local function receipt(events, customer, row, what)
  redis.call('XADD', events, 'MAXLEN', '~', 100000, '*',
    'customer', customer, 'row', row[ID], 'receipt', what)
  redis.call('EXPIRE', events, 7776000)
end

-- Go over all rows once: a claim that ran out is an unknown outcome (sent once more if its reply
-- may be repeated, else closed as unknown), a row past its life is closed, and the first row of a
-- lane is claimed if it may go now. `only` limits claiming to one lane; `claim_ms` 0 claims none.
-- Returns the claims of `token`, also those that a first try of the same operation made, and the
-- earliest moment when one of the rows left needs a look.
local function walk(out, events, customer, token, now, claim_ms, only)
  local entries = redis.call('LRANGE', out, 0, -1)
  local seen, claims, soonest, holes = {}, {}, nil, false
  for i = 1, #entries do
    local row = cmsgpack.unpack(entries[i])
    local changed, gone = false, false
    if row[STATE] == CLAIMED and row[AT] <= now then
      if row[REPEAT] == 1 and row[SENDS] < 2 then
        row[STATE], row[AT], changed = QUEUED, now, true
      else
        receipt(events, customer, row, 'unknown')
        gone = true
      end
    end
    if not gone and row[STATE] == QUEUED and row[EXPIRES] > 0 and row[EXPIRES] <= now then
      receipt(events, customer, row, 'failed')
      gone = true
    end
    if gone then
      redis.call('LSET', out, i - 1, '')
      holes = true
    else
      local lane = row[LANE]
      if not seen[lane] then
        seen[lane] = true
        if row[STATE] == QUEUED and row[AT] <= now and claim_ms > 0
          and (not only or only == lane) then
          row[STATE], row[AT], row[SENDS], row[TOKEN] = CLAIMED, now + claim_ms, row[SENDS] + 1, token
          changed = true
        end
        if not soonest or row[AT] < soonest then soonest = row[AT] end
      end
      if row[STATE] == CLAIMED and row[TOKEN] == token then
        claims[#claims + 1] = {row[SENDS], row[BLOB]}
      end
      if changed then redis.call('LSET', out, i - 1, cmsgpack.pack(row)) end
    end
  end
  if holes then redis.call('LREM', out, 0, '') end
  return claims, soonest
end

-- The claims that an operation made before: what a repeated operation answers again.
local function claimed_by(out, token)
  local entries, claims = redis.call('LRANGE', out, 0, -1), {}
  for i = 1, #entries do
    local row = cmsgpack.unpack(entries[i])
    if row[STATE] == CLAIMED and row[TOKEN] == token then
      claims[#claims + 1] = {row[SENDS], row[BLOB]}
    end
  end
  return claims
end

-- Take queued rows out: those of one lane, those whose id is in the set, or all (both nil).
-- One already under way stays: it may arrive, and its outcome is still to be settled.
local function cancel(out, events, customer, lane, ids)
  local entries, holes = redis.call('LRANGE', out, 0, -1), false
  for i = 1, #entries do
    local row = cmsgpack.unpack(entries[i])
    if row[STATE] == QUEUED and (not lane or row[LANE] == lane) and (not ids or ids[row[ID]]) then
      receipt(events, customer, row, 'cancelled')
      redis.call('LSET', out, i - 1, '')
      holes = true
    end
  end
  if holes then redis.call('LREM', out, 0, '') end
end
