-- forget: take the entries of some customers out of a stream, a piece at a time.
--
-- KEYS  stream
-- ARGV  1 after this id (empty: from the oldest)  2 how many to look at  3 make it anew (0, 1)
--       then the customers
-- gives {where to go on, or empty at the end, how many were taken out}
-- race  who adds an entry meanwhile adds it for somebody who is there.
-- again finds nothing.
-- An entry that is deleted leaves its bytes in the stream until its neighbours go too: where it held
-- words, the stream is made anew (`dead`, which is short).
local stream, from, gone = KEYS[1], ARGV[1] == '' and '-' or '(' .. ARGV[1], {}
for i = 4, #ARGV do gone[ARGV[i]] = true end
local anew = ARGV[3] == '1'
local found = redis.call('XRANGE', stream, anew and '-' or from, '+', 'COUNT', anew and 20000 or ARGV[2])
local count, kept = 0, {}
for i = 1, #found do
  local fields, theirs = found[i][2], false
  for j = 1, #fields, 2 do
    if fields[j] == 'customer' and gone[fields[j + 1]] then theirs = true end
  end
  if theirs then
    count = count + 1
    if not anew then redis.call('XDEL', stream, found[i][1]) end
  else
    kept[#kept + 1] = found[i]
  end
end
if anew and count > 0 then
  local life = redis.call('TTL', stream)
  redis.call('DEL', stream)
  for i = 1, #kept do redis.call('XADD', stream, kept[i][1], unpack(kept[i][2])) end
  if #kept > 0 and life > 0 then redis.call('EXPIRE', stream, life) end
end
if anew or #found < tonumber(ARGV[2]) then return {'', count} end
return {found[#found][1], count}
