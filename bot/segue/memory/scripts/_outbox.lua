-- part: the outbox of one customer, a list in the order of decision, and what became of its rows.
--
-- An entry is {id, lane, state, at, sends, expires, flags, token, blob, tries, doubt, born, again}.
-- A lane is one recipient (channel and address); only the first row of a lane may be under way, so
-- order is kept.
--   state 0, queued:  `at` is not before
--   state 1, claimed: `at` is until; `token` is the operation that claimed it
--   flags  1 may be repeated  2 the platform can be asked what became of it
--          4 an answer: the customer is told when it came too late  8 that telling itself
--          16 cancelled while it was under way: it is not sent again, nor if it was not sent yet
--          32 law or carrier demand it: it goes out in spite of an opt-out and of an agent
--   sends  sendings that may have arrived     tries  sendings that were refused for now
--   doubt  how often the platform was to be asked since the outcome became unknown, 0: it is known
--   again  1 it is the plain form already  2 it goes to another address already
--
-- `got`, the last key of every script with this part, holds per row the furthest that is known of
-- it: a letter, when, why, and the channel that took over. The letters stand in the order in which
-- one replaces another, so that receipts may come in any order.
-- Events about rows are fields `receipt` of the stream, beside the engine's own `event`.
local QUEUED, CLAIMED, NOTICE = 0, 1, 32
local ID, LANE, STATE, AT, SENDS, EXPIRES, FLAGS, TOKEN, BLOB = 1, 2, 3, 4, 5, 6, 7, 8, 9
local TRIES, DOUBT, BORN, AGAIN = 10, 11, 12, 13
local got, ORDER, LOOKS = KEYS[#KEYS], 'usfdr', 3
local given_up = false
local LETTER = {unknown = 'u', sent = 's', failed = 'f', delivered = 'd', read = 'r'}

local function has(flags, flag) return bit.band(flags, flag) > 0 end

local function open(entry)
  local row = cmsgpack.unpack(entry)
  if not row[AGAIN] then row[TRIES], row[DOUBT], row[BORN], row[AGAIN] = 0, 0, row[AT], 0 end
  return row
end

local function rank(letter) return string.find(ORDER, letter, 1, true) end

-- Keep what became of a row, if it is further than what is known. Gives whether it was.
local function note(id, what, now, why, instead)
  local old = redis.call('HGET', got, id)
  if old and rank(string.sub(old, 1, 1)) >= rank(LETTER[what]) then return false end
  redis.call('HSET', got, id,
    LETTER[what] .. string.format('%.0f', now) .. '\t' .. (why or '') .. '\t' .. (instead or ''))
  redis.call('EXPIRE', got, 2592000)
  if redis.call('HLEN', got) > 150 then
    local flat, found = redis.call('HGETALL', got), {}
    for i = 1, #flat, 2 do
      found[#found + 1] = {tonumber(string.match(flat[i + 1], '%d+')), flat[i]}
    end
    table.sort(found, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
    for i = 1, 50 do redis.call('HDEL', got, found[i][2]) end
  end
  return true
end

-- Somebody cannot be reached at an address; `admit` takes it back when they write from there. A phone
-- number may be somebody else's by then: it proves nothing until a code sent there comes back.
local function unreachable(c, lane)
  local gone = redis.call('HGET', c, 'u') or ''
  if not string.find(gone, lane, 1, true) then redis.call('HSET', c, 'u', gone .. lane) end
  local a = redis.call('HGET', c, 'a') or ''
  local at, ends = string.find(a, lane .. '3', 1, true)
  if at and string.find(lane, '\t+', 1, true) then
    redis.call('HSET', c, 'a', string.sub(a, 1, ends - 1) .. '2' .. string.sub(a, ends + 1))
  end
end

local function receipt(events, customer, row, what, now, why, instead)
  if what == 'cancelled' then
    note(row[ID], 'failed', now, 'cancelled')
  else
    note(row[ID], what, now, why, instead)
  end
  redis.call('XADD', events, 'MAXLEN', '~', 100000, '*',
    'customer', customer, 'row', row[ID], 'receipt', what)
  redis.call('EXPIRE', events, 7776000)
end

-- What follows when nobody knows whether a row was taken: the platform is asked where it can be, a
-- few times; then it is sent once more if its reply may be repeated. Gives the receipt that closes
-- the row, or nil: then it is queued, to be asked about or sent.
local function doubtful(row, at)
  local known = redis.call('HGET', got, row[ID])
  if known then return string.sub(known, 1, 1) == 'f' and 'failed' or 'sent' end
  row[STATE], row[AT] = QUEUED, at
  if has(row[FLAGS], 2) and row[DOUBT] < LOOKS then
    row[DOUBT] = row[DOUBT] + 1
    return nil
  end
  row[DOUBT] = 0
  if has(row[FLAGS], 1) and not has(row[FLAGS], 16) and row[SENDS] < 2 then return nil end
  return 'unknown'
end

local function claim_of(row)
  return {row[SENDS], row[BLOB], row[TRIES], row[DOUBT], row[BORN], row[LANE], row[AGAIN]}
end

-- Go over all rows once: a claim that ran out is an unknown outcome (see `doubtful`), a row past its
-- life is closed, and the first row of a lane is claimed if it may go now. `only` limits claiming to
-- one lane; `claim_ms` 0 claims none.
-- Returns the claims of `token`, also those that a first try of the same operation made; the
-- earliest moment when one of the rows left needs a look; and whether the customer is owed a word
-- (`z`), because an answer came too late or was given up, and nothing says so yet.
local function walk(out, events, customer, token, now, claim_ms, only)
  local entries = redis.call('LRANGE', out, 0, -1)
  local seen, claims, soonest, holes, owed, told = {}, {}, nil, false, given_up, false
  -- While two customers become one nothing more is claimed: what is under way ends, the rest moves.
  if claim_ms > 0 and #entries > 0 and redis.call('HEXISTS', KEYS[1], 'g') == 1 then claim_ms = 0 end
  for i = 1, #entries do
    local row = open(entries[i])
    local changed, close, why = false, nil, nil
    if row[STATE] == CLAIMED and row[AT] <= now then
      close, changed = doubtful(row, now), true
    end
    if not close and row[STATE] == QUEUED and row[EXPIRES] > 0 and row[EXPIRES] <= now then
      if row[SENDS] > 0 then
        close = 'unknown'
      else
        close, why = 'failed', 'late'
        owed = owed or has(row[FLAGS], 4)
      end
    end
    if close then
      receipt(events, customer, row, close, now, why)
      redis.call('LSET', out, i - 1, '')
      holes = true
    else
      local lane = row[LANE]
      told = told or has(row[FLAGS], 8)
      if not seen[lane] then
        seen[lane] = true
        if row[STATE] == QUEUED and row[AT] <= now and claim_ms > 0
          and (not only or only == lane) then
          row[STATE], row[AT], row[TOKEN] = CLAIMED, now + claim_ms, token
          if row[DOUBT] == 0 then row[SENDS] = row[SENDS] + 1 end
          changed = true
        end
        local look = row[AT]
        if row[STATE] == QUEUED and row[EXPIRES] > 0 then look = math.min(look, row[EXPIRES]) end
        if not soonest or look < soonest then soonest = look end
      end
      if row[STATE] == CLAIMED and row[TOKEN] == token then
        claims[#claims + 1] = claim_of(row)
      end
      if changed then redis.call('LSET', out, i - 1, cmsgpack.pack(row)) end
    end
  end
  if holes then redis.call('LREM', out, 0, '') end
  owed = owed and not told and redis.call('HEXISTS', KEYS[1], 'v') == 1
  if owed then
    redis.call('HSET', KEYS[1], 'z', 1)
    if not soonest or now < soonest then soonest = now end
  end
  return claims, soonest, owed
end

-- The claims that an operation made before: what a repeated operation answers again.
local function claimed_by(out, token)
  local entries, claims = redis.call('LRANGE', out, 0, -1), {}
  for i = 1, #entries do
    local row = open(entries[i])
    if row[STATE] == CLAIMED and row[TOKEN] == token then
      claims[#claims + 1] = claim_of(row)
    end
  end
  return claims
end

-- Take queued rows out: those whose lane begins so (a channel, an address), those whose id is in the
-- set, or all (both nil). What law or carrier demands stays, unless `notices` says otherwise.
-- One already under way may arrive, and its outcome is still to be settled; unless it turns out that
-- it was not sent yet: then it is not.
local function cancel(out, events, customer, lane, ids, now, notices)
  local entries, holes = redis.call('LRANGE', out, 0, -1), false
  for i = 1, #entries do
    local row = open(entries[i])
    local meant = (not lane or string.sub(row[LANE], 1, #lane) == lane)
      and (not ids or ids[row[ID]]) and (notices or not has(row[FLAGS], NOTICE))
    if meant and row[STATE] == CLAIMED then
      row[FLAGS] = bit.bor(row[FLAGS], 16)
      redis.call('LSET', out, i - 1, cmsgpack.pack(row))
    elseif meant then
      receipt(events, customer, row, row[SENDS] > 0 and 'unknown' or 'cancelled', now)
      redis.call('LSET', out, i - 1, '')
      holes = true
    end
  end
  if holes then redis.call('LREM', out, 0, '') end
end
