-- code_use: somebody brings a code. It works once, and only so many guesses are looked at.
--
-- KEYS  code, mine, guesses, all
-- ARGV  1 operation  2 digest of what was brought  3 now ms  4 name of the code
--       5 most wrong ones from here  6 in so long ms  7 most wrong ones of everybody  8 in so long ms
-- gives {right, what it is for} {wrong} {locked}
-- race  two who bring one code: looking and marking it used are one step, so one of them has it.
--       A code that was replaced or taken back between: `mine` names another or none.
-- again a repeated operation finds its own mark and gets its answer again; a wrong one counts again.
local code, mine, guesses, all = unpack(KEYS)
local now = tonumber(ARGV[3])
local f = redis.call('HMGET', code, 'd', 'b', 'u', 't', 'o')
if f[5] and f[5] == ARGV[1] then return {'right', f[2]} end

local function count(key, window)
  local s = redis.call('HMGET', key, 'n', 'u')
  local n, ends = tonumber(s[1]) or 0, tonumber(s[2]) or 0
  if ends <= now then return 0, now + tonumber(window) end
  return n, ends
end
local here, here_ends = count(guesses, ARGV[6])
local everybody, all_ends = count(all, ARGV[8])
if here >= tonumber(ARGV[5]) or everybody >= tonumber(ARGV[7]) then return {'locked'} end

local current = redis.call('GET', mine)
if f[1] == ARGV[2] and not f[5] and tonumber(f[3]) > now and tonumber(f[4]) > 0
  and current == ARGV[4] then
  redis.call('HSET', code, 'o', ARGV[1], 's', 'used')
  redis.call('DEL', guesses)
  return {'right', f[2]}
end
redis.call('HSET', guesses, 'n', here + 1, 'u', here_ends)
redis.call('PEXPIRE', guesses, ARGV[6])
redis.call('HSET', all, 'n', everybody + 1, 'u', all_ends)
redis.call('PEXPIRE', all, ARGV[8])
if f[4] then redis.call('HINCRBY', code, 't', -1) end
return {'wrong'}
