-- snapshot: a customer as an operator sees them. Reads only.
--
-- KEYS  c, inbox, out
-- ARGV  1 customer
-- gives {version, state, addresses, controller, opted out, waiting, unsent, unreachable} or nothing
-- race  one script, so that the parts belong together.
local h = redis.call('HMGET', KEYS[1], 'v', 's', 'a', 'k', 'x', 'u')
if not h[1] then return {} end
return {tonumber(h[1]), h[2] or '', h[3] or '', h[4] or '', h[5] or '',
  redis.call('LLEN', KEYS[2]), redis.call('LLEN', KEYS[3]), h[6] or ''}
