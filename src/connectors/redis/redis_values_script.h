// Purpose: what compares times inside the Redis server, so that no writer takes a series back in time.
// Arguments: ARGV[1] is the time to live in seconds, 0 for none.
// Answer: how many updates were newer; or, when the table cannot be there, {what is wrong, key, what it holds}.
// Speed: a call of the server costs far more than the comparison, so each is made for all fields of a key at once, and the
//        expiry of an earlier setting is looked for only where INFO says that keys with an expiry exist.
// Times of equal length sort as their texts; of different lengths (with and without milliseconds) without the 'Z'.
#pragma once

#include <string_view>

namespace meterstream {

/// KEYS: hashes of values, those with the same fields together. In ARGV for each group of keys: their count, the count of
/// their fields, these, and the values of each key in the order of the fields.
inline constexpr std::string_view kRedisValuesScript = R"lua(
local byte, sub, call, pcall = string.byte, string.sub, redis.call, redis.pcall
local ttl, at, written = ARGV[1], 2, 0
-- Before Redis 5 nothing may be written after TIME and INFO without this.
if redis.replicate_commands then redis.replicate_commands() end
local expire, expiry, may_expire
if ttl ~= '0' then
  -- With a moment the server has least to do; without the right to ask for the time, a length does as well.
  local time = pcall('TIME')
  if time.err then
    expire, expiry = 'EXPIRE', ttl
  else
    expire = 'PEXPIREAT'
    expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ttl * 1000)
  end
else
  local held = pcall('INFO', 'keyspace')
  may_expire = type(held) ~= 'string' or string.find(held, 'expires=[1-9]')
end

-- Nil when `stored` is no value of this table.
local function is_newer(stored, value)
  local blank = byte(stored, 21) == 32 and 21 or byte(stored, 25) == 32 and 25
  if not blank or byte(stored, 11) ~= 84 then return nil end
  if byte(value, blank) == 32 then return stored < value end
  return sub(stored, 1, blank - 2) < sub(value, 1, 44 - blank)
end

local names, changes, first = {}, {}, 1
while first <= #KEYS do
  local keys, fields = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  for field = 1, fields do names[field] = ARGV[at + 1 + field] end
  at = at + 1 + fields
  for i = first, first + keys - 1 do
    local key, count, old = KEYS[i], 0, nil
    if fields == 1 then old = pcall('HGET', key, names[1]) else old = pcall('HMGET', key, unpack(names, 1, fields)) end
    if type(old) == 'table' and old.err then return {'type', key, call('TYPE', key).ok} end
    for field = 1, fields do
      local value, stored = ARGV[at + field], old
      if fields > 1 then stored = old[field] end
      local newer = not stored or is_newer(stored, value)
      if newer == nil then return {'form', key, sub(stored, 1, 40)} end
      if newer then
        changes[count + 1], changes[count + 2] = names[field], value
        count = count + 2
      end
    end
    at = at + fields
    if count > 0 then
      call('HSET', key, unpack(changes, 1, count))
      -- HSET keeps the expiry that a key has.
      if expire then
        call(expire, key, expiry)
      elseif may_expire then
        call('PERSIST', key)
      end
      written = written + count / 2
    end
  end
  at = at + 1
  first = first + keys
end
return written
)lua";

}  // namespace meterstream
