-- trace: whose message it is that a platform knows by its own id.
--
-- KEYS  sent
-- ARGV  1 what (mark: this is whose; ask: a report came)  2 owner, or the report  3 lives s
--       The owner is CUSTOMER\nROW; a report is a letter of `_outbox.lua`'s order and why.
-- gives for mark the report that was quicker, or nothing; for ask the owner, or nothing: then the
--       report is parked
-- race  the report may come before the sender has written down whose it is; both look and leave
--       their word in one step, so one of them finds the other's.
local old = redis.call('GET', KEYS[1])
local parked = old and string.sub(old, 1, 1) == '?'
if ARGV[1] == 'mark' then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  return parked and string.sub(old, 2) or false
end
if old and not parked then return old end
local order = 'usfdr'
if not old or string.find(order, string.sub(ARGV[2], 1, 1), 1, true)
  > string.find(order, string.sub(old, 2, 2), 1, true) then
  redis.call('SET', KEYS[1], '?' .. ARGV[2], 'EX', ARGV[3])
end
return false
