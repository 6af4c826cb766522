-- spend: may one more message go out that costs, and that nobody's words have asked for?
--
-- KEYS  day, number, prefix, country
-- ARGV  1 now ms  2 most a day  3 most to a number  4 in so many ms  5 most to a prefix  6 in so
--       many ms  7 breaker: after so many sent  8 percent that must have come back
--       9 is it a code (1, 0)  10 country's breaker: after so many sent
-- gives nothing, or what is full: day, number, prefix, conversion
-- race  any process counts here; looking and counting are one step, so a cap is never passed.
-- again counts twice: a message that was not sent costs a place, never money.
--
-- A count is {n how many, u until ms}; of a prefix and a country also {s codes sent, c came back},
-- for a day from the first.
local day, number, prefix, country = unpack(KEYS)
local now, code = tonumber(ARGV[1]), ARGV[9] == '1'
local A_DAY = 86400000

local function read(key, within)
  local f = redis.call('HMGET', key, 'n', 'u', 's', 'c', 'v')
  local h = {n = tonumber(f[1]) or 0, u = tonumber(f[2]) or 0}
  if h.u <= now then h.n, h.u = 0, now + within end
  h.s, h.c, h.v = tonumber(f[3]) or 0, tonumber(f[4]) or 0, tonumber(f[5]) or 0
  if h.v <= now then h.s, h.c, h.v = 0, 0, now + A_DAY end
  return h
end

local function fruitless(h, after) return h.s >= after and h.c * 100 < h.s * ARGV[8] end

local d, n = read(day, A_DAY), read(number, tonumber(ARGV[4]))
local p, r = read(prefix, tonumber(ARGV[6])), read(country, A_DAY)
if d.n >= tonumber(ARGV[2]) then return 'day' end
if n.n >= tonumber(ARGV[3]) then return 'number' end
if code and p.n >= tonumber(ARGV[5]) then return 'prefix' end
if code and (fruitless(p, tonumber(ARGV[7])) or fruitless(r, tonumber(ARGV[10]))) then
  return 'conversion'
end

local function keep(key, h, ms)
  redis.call('HSET', key, 'n', h.n + 1, 'u', h.u, 's', h.s + (code and 1 or 0), 'c', h.c, 'v', h.v)
  redis.call('PEXPIRE', key, ms)
end
keep(day, d, A_DAY)
keep(number, n, ARGV[4])
keep(prefix, p, A_DAY)
keep(country, r, A_DAY)
return ''
