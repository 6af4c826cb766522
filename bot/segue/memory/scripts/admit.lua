-- admit: store a message, once, and take the lease if nobody holds it.
--
-- KEYS  c, inbox, out, seen, due, dead, events, consent, got
-- ARGV  1 customer  2 operation  3 address (`\nCHANNEL\tID\t`)  4 digest  5 letter  6 flag
--       7 consent (1 STOP, 2 START, 3 asked; then the letter as it is kept if that takes effect)
--       8 create (0, 1)  9 proof  10 seen for s
--       11 lease ms  12 seen key lives s  13 inbox limit  14 retention s  15 most tries  16 batch
-- gives {granted, ...} {queued, number} {duplicate} {not-mine} {gone} {full} {moved, to}
-- race  two copies of one message, two workers, one customer: one is stored and one has the lease.
--       The letter lands before or after a commit's look into the inbox, never between look and
--       release; so it is either handed over or finds the lease free.
--
-- A repeated operation (the answer was lost) finds its own mark and gets its answer again.
--!include time, due, outbox, grant, consent
local c, inbox, out, seen, due, dead, events, record = unpack(KEYS)
local customer, op, address, digest = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now = server_time()
local h = read(c)

if not h then
  if ARGV[8] ~= '1' or redis.call('HEXISTS', c, 'ge') == 1 then return {'gone'} end
  h = {v = 0, e = 0, d = 0, t = 0, n = 0, w = 0, a = address .. ARGV[9]}
  redis.call('HSET', c, 'v', 0, 'e', 0, 'n', 0, 'a', h.a, 'r', math.floor(now / 1000))
  redis.call('EXPIRE', c, ARGV[14])
end
if h.m then return {'moved', h.m} end
if not string.find(h.a or '', address, 1, true) then
  -- An undo is under way, and the index is behind: they have it back already.
  local back = h.g and redis.call('HGET', c, 'gm')
  if back then return {'moved', back} end
  return {'not-mine'}
end

if redis.call('ZSCORE', seen, digest) then
  local entries = redis.call('LRANGE', inbox, 0, -1)
  for i = 1, #entries do
    if string.sub(entries[i], 1, 10) == op then
      local number = h.n - #entries + i
      if h.o == op and h.d > now then
        return granted(h, inbox, h.e, h.v, h.d, number, h.t, tonumber(ARGV[16]), h.s or '')
      end
      return {'queued', number}
    end
  end
  return {'duplicate'}
end

-- STOP by who is opted out, and START by who is not, have no effect and are letters like any other.
local consent, letter = tonumber(string.sub(ARGV[7], 1, 1)), ARGV[5]
local channel = string.match(address, '^\n[^\t]*\t')
local at, ends
if consent > 0 then
  at, ends = string.find(h.x or '', channel, 1, true)
  if (consent == 1 and at) or (consent == 2 and not at) then
    consent = 0
  elseif #ARGV[7] > 1 then
    letter = string.sub(ARGV[7], 2)
  end
end
-- A customer who says STOP is never told to wait.
if consent ~= 1 and redis.call('LLEN', inbox) >= tonumber(ARGV[13]) then return {'full'} end

local seconds = math.floor(now / 1000)
-- First what a server without memory refuses: after another write it would let all the rest pass.
redis.call('ZADD', seen, seconds + ARGV[10], digest)
redis.call('ZREMRANGEBYSCORE', seen, '-inf', seconds)
if redis.call('ZCARD', seen) == 1 then redis.call('EXPIRE', seen, ARGV[12]) end
if redis.call('RPUSH', inbox, op .. letter) == 1 then redis.call('EXPIRE', inbox, ARGV[14]) end
h.n = h.n + 1
-- Whoever writes from an address can be reached there.
local off, to = string.find(h.u or '', address, 1, true)
if off then
  redis.call('HSET', c, 'u', string.sub(h.u, 1, off - 1) .. string.sub(h.u, to + 1))
end

if consent > 0 then
  local what = ({'out', 'in', 'asked'})[consent]
  if consent == 1 then
    h.x = (h.x or '') .. channel
    cancel(out, events, customer, channel, nil, now)
  elseif consent == 2 then
    h.x = string.sub(h.x, 1, at - 1) .. string.sub(h.x, ends + 1)
  end
  if h.x and h.x ~= '' then redis.call('HSET', c, 'x', h.x) else redis.call('HDEL', c, 'x') end
  if consent == 1 and h.d > now then
    redis.call('HSET', c, 'y', (redis.call('HGET', c, 'y') or '') .. channel)
  end
  note_consent(record, ARGV[14], now, what, 'word', channel, '')
end

-- While two customers become one (`g`) letters are kept, and nobody gets the lease.
if h.d > now or h.g then
  redis.call('HSET', c, 'n', h.n)
  local flag = tonumber(ARGV[6])
  if flag > 0 then
    redis.call('HSET', c, 'f', bit.bor(tonumber(redis.call('HGET', c, 'f')) or 0, flag))
  end
  return {'queued', h.n}
end
if h.t >= tonumber(ARGV[15]) then
  park(dead, c, inbox, customer, 'no turn for it was ever finished')
  h.t, h.q = 0, '1'
end
return grant(h, c, inbox, due, customer, op, now, tonumber(ARGV[11]), h.n, h.t + 1, tonumber(ARGV[16]))
