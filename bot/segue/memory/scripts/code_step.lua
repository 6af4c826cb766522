-- code_step: a used code goes one step on: asked, accepted, refused.
--
-- KEYS  code, mine
-- ARGV  1 operation  2 step it must be at  3 step it goes to  4 what is added (empty: nothing)
--       5 now ms  6 life ms  7 kept ms  8 name of the code
-- gives {done, what it is for, what was added} {not, step it is at}
-- race  two who decide at once: the first decides, the second sees how. A code that was taken back
--       meanwhile goes nowhere: `mine` does not name it any more.
-- again a repeated operation gets its answer again.
local code, mine = unpack(KEYS)
local f = redis.call('HMGET', code, 's', 'b', 'w', 'p', 'u')
if not f[1] then return {'not', ''} end
if f[4] == ARGV[1] and f[1] == ARGV[3] then return {'done', f[2], f[3] or ''} end
if redis.call('GET', mine) ~= ARGV[8] then return {'not', 'taken back'} end
if f[1] ~= ARGV[2] then return {'not', f[1]} end
if tonumber(f[5]) <= tonumber(ARGV[5]) then return {'not', 'late'} end
local added = f[3] or ''
if ARGV[4] ~= '' then added = ARGV[4] end
redis.call('HSET', code, 's', ARGV[3], 'w', added, 'p', ARGV[1], 'u', tonumber(ARGV[5]) + ARGV[6])
redis.call('PEXPIRE', code, ARGV[7])
redis.call('PEXPIRE', mine, ARGV[7])
return {'done', f[2], added}
