-- tokens: may these sends go, as far as the platform's limits are concerned?
--
-- KEYS  buckets of one channel, which share a slot
-- ARGV  per bucket rate (tokens a second), burst; then per send how many takes, and for each the
--       bucket's number and the cost; the sends that have waited longest stand first
-- gives per send {wait ms, bucket}: 0 and the tokens are taken, or none of them is
-- race  any process of the installation takes from the same buckets. A send that must wait for a
--       bucket keeps later ones out of it, so a dear one is not starved by cheap ones.
--
-- A bucket is {n level, t when, p closed until}. Time is the server's.
-- The platform's own bucket begins to fill when the first send arrives there, not when we let it go;
-- and one send may travel longer than the next. So a bucket that was full begins to fill later, by
-- as long as it was full, LAG at the most.
--!include time
local now, buckets, given, LAG = server_time(), {}, {}, 300
for i = 1, #KEYS do
  local rate, burst = tonumber(ARGV[i * 2 - 1]), tonumber(ARGV[i * 2])
  local f = redis.call('HMGET', KEYS[i], 'n', 't', 'p')
  local at, closed = tonumber(f[2]) or now - LAG, tonumber(f[3]) or 0
  local level = (tonumber(f[1]) or burst) + math.max(now - at, 0) * rate / 1000
  local from = math.max(at, now)
  if level > burst or not f[1] then
    local full = f[1] and (level - burst) * 1000 / rate or LAG
    from, level = now + math.min(math.floor(full), LAG), burst
  end
  buckets[i] = {level = level, rate = rate, burst = burst, closed = closed, from = from}
end
local at = #KEYS * 2 + 1
while at <= #ARGV do
  local takes, wait, from = tonumber(ARGV[at]), 0, 0
  for j = 0, takes - 1 do
    local number, cost = tonumber(ARGV[at + 1 + j * 2]), tonumber(ARGV[at + 2 + j * 2])
    local b = buckets[number]
    local need, ms = math.min(cost, b.burst), 0
    if b.closed > now then ms = b.closed - now
    elseif b.full then ms = b.full
    elseif b.level < need then ms = math.ceil((need - b.level) * 1000 / b.rate + b.from - now) end
    if ms > wait then wait, from = ms, number end
  end
  for j = 0, takes - 1 do
    local number, cost = tonumber(ARGV[at + 1 + j * 2]), tonumber(ARGV[at + 2 + j * 2])
    local b = buckets[number]
    if wait == 0 then
      b.level, b.touched = b.level - cost, true
    elseif number == from then
      b.full = b.full or wait
    end
  end
  given[#given + 1] = {wait, from}
  at = at + 1 + takes * 2
end
for i = 1, #KEYS do
  local b = buckets[i]
  if b.touched then
    redis.call('HSET', KEYS[i], 'n', b.level, 't', b.from)
    redis.call('EXPIRE', KEYS[i], math.ceil((b.burst - b.level) / b.rate) + 120)
  end
end
return given
