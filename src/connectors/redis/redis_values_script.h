// Purpose: what compares times inside the Redis server, so that no writer takes a series back in time.
// Arguments: ARGV[1] is the time to live in seconds, 0 for none.
// Answer: how many updates were newer; or, when the table cannot be there, {what is wrong, key, what it holds}.
// Speed: a call of the server costs far more than the comparison, so each is made for many keys or fields at once.
// Times of equal length sort as their texts; of different lengths (with and without milliseconds) without the 'Z'.
#pragma once

#include <string_view>

namespace meterstream {

/// KEYS: hashes of values; in ARGV for each of them the count of its fields, then field and value of each.
inline constexpr std::string_view kRedisValuesScript = R"lua(
local byte, sub = string.byte, string.sub
local ttl, at, written = ARGV[1], 2, 0
for _, key in ipairs(KEYS) do
  local fields = tonumber(ARGV[at])
  local names = {}
  for i = 1, fields do names[i] = ARGV[at + 2 * i - 1] end
  local old = redis.pcall('HMGET', key, unpack(names))
  if old.err then return {'type', key, redis.call('TYPE', key).ok} end
  local changes, count = {}, 0
  for i = 1, fields do
    local value, stored = ARGV[at + 2 * i], old[i]
    local newer = true
    if stored then
      local blank = byte(stored, 21) == 32 and 21 or byte(stored, 25) == 32 and 25
      if not blank or byte(stored, 11) ~= 84 then return {'form', key, sub(stored, 1, 40)} end
      if byte(value, blank) == 32 then
        newer = stored < value
      else
        newer = sub(stored, 1, blank - 2) < sub(value, 1, 44 - blank)
      end
    end
    if newer then
      changes[count + 1] = names[i]
      changes[count + 2] = value
      count = count + 2
    end
  end
  if count > 0 then
    redis.call('HSET', key, unpack(changes))
    -- HSET keeps the expiry that an earlier setting gave.
    if ttl ~= '0' then redis.call('EXPIRE', key, ttl) else redis.call('PERSIST', key) end
    written = written + count / 2
  end
  at = at + 1 + 2 * fields
end
return written
)lua";

}  // namespace meterstream
