-- part: giving out the lease.
--
-- `tries` counts grants since the last progress (commit, record or release). A letter whose turns
-- were begun `most` times and never got anywhere is parked in `dead`, and the conversation goes on.
-- After a failure letters are given out one at a time, so that the one to blame is found.
-- `q` stands until a turn was committed that knew of it: the customer is told, not met with silence.
-- `z`, a word owed for a late reply, goes with the lease: an apology is not made twice.
local function park(dead, c, inbox, customer, why)
  redis.call('HSET', c, 'q', 1)
  local entry = redis.call('LPOP', inbox)
  redis.call('XADD', dead, 'MAXLEN', '~', 10000, '*',
    'customer', customer, 'letter', entry and string.sub(entry, 11) or '', 'why', why)
  redis.call('EXPIRE', dead, 2419200)
end

-- The reply that carries a lease. `first` is the number of the first letter in the inbox.
local function granted(h, inbox, epoch, version, deadline, number, tries, batch, state)
  local count = batch
  if tries > 1 then count = 1 end
  local letters = redis.call('LRANGE', inbox, 0, count - 1)
  local first = h.n - redis.call('LLEN', inbox) + 1
  return {'granted', epoch, version, deadline, number, tries - 1, first,
    state, h.a or '', h.x or '', h.k or '', letters, (h.q and 1 or 0) + (h.z and 2 or 0)}
end

local function grant(h, c, inbox, due, customer, op, now, lease_ms, number, tries, batch)
  local epoch, deadline = h.e + 1, now + lease_ms
  redis.call('HSET', c, 'e', epoch, 'd', deadline, 'o', op, 't', tries, 'n', h.n)
  redis.call('ZADD', due, deadline, customer)
  if h.z then redis.call('HDEL', c, 'z') end
  return granted(h, inbox, epoch, h.v, deadline, number, tries, batch, h.s or '')
end

-- The customer's hash, without what only commit needs. Nil if there is no such customer.
local function read(c)
  local f = redis.call('HMGET', c, 'v', 'e', 'd', 'o', 't', 'n', 'a', 'm', 's', 'x', 'k', 'w', 'q',
    'z', 'u', 'g', 'h')
  if not f[1] then return nil end
  return {v = tonumber(f[1]), e = tonumber(f[2]), d = tonumber(f[3]) or 0, o = f[4],
    t = tonumber(f[5]) or 0, n = tonumber(f[6]), a = f[7], m = f[8], s = f[9], x = f[10],
    k = f[11], w = tonumber(f[12]) or 0, q = f[13], z = f[14], u = f[15], g = f[16],
    h = f[17]}
end
