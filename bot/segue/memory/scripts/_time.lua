-- part: the server's clock. Leases, timers and claims are judged by this clock alone.
local function server_time()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
