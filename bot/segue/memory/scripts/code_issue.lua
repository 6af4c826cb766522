-- code_issue: keep a code that somebody is to bring back, in place of the one before.
--
-- KEYS  code, mine, sent
-- ARGV  1 operation  2 digest of the code  3 what it is for  4 now ms  5 life ms  6 tries
--       7 most sent in a while  8 that while ms  9 name of the code  10 of its owner  11 kept ms
-- gives {issued} {often}
-- race  two issues for one customer: the later one is the only one that works (`mine` names it).
-- again a repeated operation puts its new code in the place of the one it had made (which nobody was
--       told, or was told a moment ago), and is not counted again.
local code, mine, sent = unpack(KEYS)
local now, life = tonumber(ARGV[4]), tonumber(ARGV[5])
local h = redis.call('HMGET', code, 'i', 'o')
if h[2] and h[1] == ARGV[1] then return {'issued'} end

local s = redis.call('HMGET', sent, 'n', 'u')
local n, ends = tonumber(s[1]) or 0, tonumber(s[2]) or 0
if ends <= now then n, ends = 0, now + tonumber(ARGV[8]) end
if h[1] == ARGV[1] then n = n - 1 end
if n >= tonumber(ARGV[7]) then return {'often'} end
redis.call('HSET', sent, 'n', n + 1, 'u', ends)
redis.call('PEXPIRE', sent, ARGV[8])

redis.call('DEL', code)
redis.call('HSET', code, 'i', ARGV[1], 'd', ARGV[2], 'b', ARGV[3], 'u', now + life, 't', ARGV[6],
  's', 'issued', 'm', ARGV[10])
redis.call('PEXPIRE', code, ARGV[11])
redis.call('SET', mine, ARGV[9], 'PX', ARGV[11])
return {'issued'}
