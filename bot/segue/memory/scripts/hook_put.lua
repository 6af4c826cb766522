-- hook_put: put events into a webhook's line, and move its cursors over what they were made of.
--
-- KEYS  rows, line, at
-- ARGV  1 operation  2 life s  3 cursors  4 events  then (partition, cursor) each, (id, row) each
-- gives 1, or 0 if the webhook was removed meanwhile
-- race  events and cursors change in one step: a process that dies has done both or neither.
-- again the operation is the last one noted: nothing is put twice.
--
-- `at`: PARTITION -> cursor, `since` the cursor where there is none yet: when it was made, `n` events so far, `o` operation
--!include time
local rows, line, at = unpack(KEYS)
if ARGV[1] == 'begin' then
  redis.call('HSETNX', at, 'since', string.format('%d-18446744073709551615', server_time() - 1))
elseif redis.call('EXISTS', at) == 0 then
  return 0
end
if redis.call('HGET', at, 'o') ~= ARGV[1] then
  local place = 5
  for i = 1, tonumber(ARGV[3]) do
    redis.call('HSET', at, ARGV[place], ARGV[place + 1])
    place = place + 2
  end
  for i = 1, tonumber(ARGV[4]) do
    redis.call('HSET', rows, ARGV[place], ARGV[place + 1])
    redis.call('ZADD', line, redis.call('HINCRBY', at, 'n', 1), ARGV[place])
    place = place + 2
  end
  redis.call('HSET', at, 'o', ARGV[1])
end
redis.call('EXPIRE', rows, ARGV[2])
redis.call('EXPIRE', line, ARGV[2])
redis.call('EXPIRE', at, ARGV[2])
return 1
