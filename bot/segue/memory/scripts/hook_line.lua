-- hook_line: the first events of a webhook's line, and where its cursors are. Reads only.
--
-- KEYS  rows, line, at, parked, past
-- ARGV  1 most events
-- gives {at, flat; id and row each; how many wait; parked, flat; past}
-- race  none.
local rows, line, at, parked, past = unpack(KEYS)
local ids, found = redis.call('ZRANGE', line, 0, ARGV[1] - 1), {}
for i = 1, #ids do
  found[#found + 1] = ids[i]
  found[#found + 1] = redis.call('HGET', rows, ids[i]) or ''
end
return {redis.call('HGETALL', at), found, redis.call('ZCARD', line),
  redis.call('HGETALL', parked), redis.call('LRANGE', past, 0, 99)}
