-- part: the record of consent of one customer, a list in the order of time, kept as text:
-- when, what (out, in, asked, shown) and how, a tab after each, then the channel as in an address
-- (`\nCHANNEL\t`), then what was shown (a row).
local function note_consent(record, life, now, what, how, channel, shown)
  redis.call('RPUSH', record, now .. '\t' .. what .. '\t' .. how .. '\t' .. channel .. shown)
  redis.call('LTRIM', record, -100, -1)
  redis.call('EXPIRE', record, life)
end
