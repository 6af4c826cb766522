-- commit: land what a turn decided, all of it or nothing. Also `record`, in the middle of a turn.
--
-- KEYS  c, inbox, out, log, old, seen, due, events, consent, got
-- ARGV  1 customer  2 operation  3 epoch  4 version  5 mode (commit, record)  6 ack  7 state
--       8 timer (0: none)  9 said  10 wake channel  11 lines  12 rows  13 events  14 cancels
--       then the lines; per row id, lane, expires, flags, blob; the events; row ids to cancel;
--       then lease ms, claim ms, batch, retention s, refresh s, seen key lives s,
--       transcript s
-- gives {committed, version, cursor, kept lines, silenced, deadline, claims, more} {fenced}
--       deadline is 0 when the lease is free; more is false or what `granted` gives
-- race  a worker that was too slow: its epoch is old, nothing is written. A letter that came in
--       while the turn ran: looking and releasing are one script, so it is handed over here.
--       An agent who took over, or a STOP, while the turn ran: state is kept, words are dropped; of a
--       STOP only those for its channel. What law or carrier demands is said all the same.
--
-- `p` keeps the last four operations: one that is repeated is answered, not applied.
--!include time, due, outbox, grant, consent
local c, inbox, out, log, old, seen, due, events, record = unpack(KEYS)
local fixed = #ARGV - 7
local customer, op, mode = ARGV[1], ARGV[2], ARGV[5]
local lease_ms, batch, retention = tonumber(ARGV[fixed + 1]), tonumber(ARGV[fixed + 3]), tonumber(ARGV[fixed + 4])
local f = redis.call('HMGET', c, 'v', 'e', 'd', 'k', 'x', 'y', 'n', 'l', 'p', 'a', 'r', 't', 'w',
  'z', 'g', 'ya')
if not f[1] then return {'fenced'} end
local now = server_time()
local recent, lines = f[9] or '', tonumber(f[8]) or 0
local h = {n = tonumber(f[7]), a = f[10], x = f[5], k = f[4]}
local version = tonumber(ARGV[4]) + 1

local at = string.find(recent, op, 1, true)
if at then
  local silenced = string.sub(recent, at + 10, at + 10) == '+' and 1 or 0
  local deadline, more = 0, false
  if f[2] == ARGV[3] and f[3] then
    deadline = tonumber(f[3])
    if mode == 'commit' then
      more = granted(h, inbox, tonumber(ARGV[3]), version, deadline, 0, 1, batch, '')
    end
  end
  return {'committed', version, lines, redis.call('LLEN', log), silenced, deadline,
    claimed_by(out, op), more}
end
if f[2] ~= ARGV[3] or f[1] ~= ARGV[4] or not f[3] then return {'fenced'} end

-- What may still be said. `k`: an agent speaks now. `x`: channels opted out. `y`: those that said STOP
-- during this turn. `ya`: addresses that were taken away during it.
local function hushed(channels, channel) return channels and string.find(channels, channel, 1, true) end
local silenced, said = 0, tonumber(ARGV[9])
local next_arg, n_lines, n_rows = 15, tonumber(ARGV[11]), tonumber(ARGV[12])
local rows_at = next_arg + n_lines
local rows = {}
for i = 0, n_rows - 1 do
  local base = rows_at + i * 5
  local channel = string.match(ARGV[base + 1], '^\n[^\t]*\t')
  local notice = has(tonumber(ARGV[base + 3]), NOTICE)
  if (not notice and (f[4] or hushed(f[5], channel) or hushed(f[6], channel)))
    or hushed(f[16], ARGV[base + 1]) then
    silenced = 1
  else
    if notice then note_consent(record, retention, now, 'shown', 'reply', channel, ARGV[base + 4]) end
    local life = tonumber(ARGV[base + 2])
    rows[#rows + 1] = cmsgpack.pack({ARGV[base], ARGV[base + 1], QUEUED, now, 0,
      life > 0 and now + life or 0, tonumber(ARGV[base + 3]), '', ARGV[base + 4], 0, 0, now, 0})
  end
end
local added = {}
for i = 1, n_lines do
  local line, keep = ARGV[next_arg + i - 1], true
  if i > n_lines - said and (f[4] or f[6]) then
    local ok, told = pcall(cmsgpack.unpack, line)
    keep = not f[4] and ok and type(told) == 'table' and not hushed(f[6], '\n' .. told[3] .. '\t')
  end
  if keep then added[#added + 1] = line else silenced = 1 end
end
n_lines = #added

if n_lines > 0 then
  if redis.call('RPUSH', log, unpack(added)) == n_lines then
    redis.call('EXPIRE', log, ARGV[fixed + 7])
  end
  lines = lines + n_lines
end
if #rows > 0 and redis.call('RPUSH', out, unpack(rows)) == #rows then
  redis.call('EXPIRE', out, retention)
end

local events_at, n_events = rows_at + n_rows * 5, tonumber(ARGV[13])
for i = 0, n_events - 1 do
  redis.call('XADD', events, 'MAXLEN', '~', 100000, '*', 'customer', customer, 'event', ARGV[events_at + i])
end
if n_events > 0 then redis.call('EXPIRE', events, 7776000) end

local cancels_at, n_cancels = events_at + n_events, tonumber(ARGV[14])
if n_cancels > 0 then
  local ids = {}
  for i = 0, n_cancels - 1 do ids[ARGV[cancels_at + i]] = true end
  cancel(out, events, customer, nil, ids, now)
end

-- Letters are numbered without gaps, so a number says where in the list it is.
local waiting = redis.call('LLEN', inbox)
local answered = tonumber(ARGV[6]) - (h.n - waiting)
if mode == 'commit' and answered > 0 then
  redis.call('LPOP', inbox, answered)
  waiting = math.max(waiting - answered, 0)
end

local claims, soonest, owed = {}, nil, f[14]
if redis.call('EXISTS', out) == 1 then
  local late
  claims, soonest, late = walk(out, events, customer, op, now, tonumber(ARGV[fixed + 2]), nil)
  owed = owed or late
end

-- Times of ours come as what is left until then: two clocks need not agree.
local timer, deadline, more = tonumber(ARGV[8]), 0, false
if timer > 0 then timer = now + timer end
recent = string.sub(op .. (silenced == 1 and '+' or '-') .. recent, 1, 44)
-- A merge under way (`g`) waits for the lease to be free: what came in goes to who comes of it.
local following = waiting > 0 and not f[15]
if mode == 'record' or following then
  deadline = now + lease_ms
  redis.call('HSET', c, 'v', version, 's', ARGV[7], 'l', lines, 'p', recent, 'd', deadline, 't', 1)
else
  redis.call('HSET', c, 'v', version, 's', ARGV[7], 'l', lines, 'p', recent)
  redis.call('HDEL', c, 'd', 'o', 't')
end
if timer > 0 then redis.call('HSET', c, 'w', timer) elseif f[13] then redis.call('HDEL', c, 'w') end
if mode == 'commit' then
  redis.call('HDEL', c, 'f', 'y', 'q', 'h')
  if waiting == 0 then redis.call('HDEL', c, 'ya') end
  if following then
    more = granted(h, inbox, tonumber(ARGV[3]), version, deadline, 0, 1, batch, '')
  end
else
  redis.call('HSET', c, 'h', 1)
end
if owed then soonest = now end
schedule(due, customer, deadline > 0 and deadline or f[15] and now or nil, deadline == 0 and timer or nil,
  soonest)

-- Retention is counted from the last turn, moved on only now and then.
local seconds = math.floor(now / 1000)
if seconds - (tonumber(f[11]) or 0) >= tonumber(ARGV[fixed + 5]) or timer > now + retention * 900 then
  local life = math.max(retention, math.ceil((timer - now) / 1000) + retention)
  redis.call('HSET', c, 'r', seconds)
  redis.call('EXPIRE', c, life)
  -- A timer keeps the customer, and what was said with them no longer than it is to be kept.
  local said = tonumber(ARGV[fixed + 7])
  if said >= retention then said = life end
  redis.call('EXPIRE', log, said)
  redis.call('EXPIRE', old, said)
  redis.call('EXPIRE', out, life)
  redis.call('EXPIRE', inbox, life)
  redis.call('EXPIRE', seen, ARGV[fixed + 6])
end
if n_lines > 0 then redis.call('PUBLISH', ARGV[10], customer) end
return {'committed', version, lines, redis.call('LLEN', log), silenced, deadline, claims, more}
