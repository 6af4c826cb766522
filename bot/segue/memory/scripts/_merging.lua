-- part: one customer out of two, and two again. `g` is the intent, the same bytes in both customers;
-- who holds another one has to wait for it, or to do it. Every step looks whether it still stands.
--
-- A customer is at rest when nobody holds the lease (`d`) and no turn was left in the middle (`h`).
local function at_rest(c)
  local h = redis.call('HMGET', c, 'd', 'h')
  return not h[1] and not h[2]
end

-- The same in pieces: a call takes some thousand values at the most.
local function push(list, entries)
  for i = 1, #entries, 1000 do
    redis.call('RPUSH', list, unpack(entries, i, math.min(i + 999, #entries)))
  end
end

local function remember(seen, marks)
  for i = 1, #marks, 1000 do
    redis.call('ZADD', seen, unpack(marks, i, math.min(i + 999, #marks)))
  end
end

-- A record of addresses with others, by entry (`\nCHANNEL\tID\tPROOF`): one that is there stays.
local function without(record, entries)
  for entry in string.gmatch(entries, '\n[^\t\n]*\t[^\t\n]*\t') do
    local at = string.find(record, entry, 1, true)
    if at then
      local ends = string.find(record, '\n', at + 1, true)
      record = string.sub(record, 1, at - 1) .. (ends and string.sub(record, ends) or '')
    end
  end
  return record
end

local function with(record, entries)
  for entry in string.gmatch(entries, '\n[^\n]*') do
    local address = string.match(entry, '^\n[^\t]*\t[^\t]*\t') or entry
    if not string.find(record, address, 1, true) then record = record .. entry end
  end
  return record
end
