// Purpose: what compares times inside the Redis server, so that no writer takes a gateway back in time.
// Arguments: ARGV[1] is the time to live in seconds, 0 for none.
// Answer: how many updates were newer; or, when the table cannot be there, {what is wrong, key, what it holds}.
// Speed: a call of the server costs far more than the comparison, so each is made for many keys or fields at once.
// Times of equal length sort as their texts; of different lengths (with and without milliseconds) without the 'Z'.
#pragma once

#include <string_view>

namespace meterstream {

/// KEYS: gateways; ARGV[i + 1]: the time of KEYS[i].
inline constexpr std::string_view kRedisActivityScript = R"lua(
local byte, sub = string.byte, string.sub
-- Before Redis 5 nothing may be written after TIME without this.
if redis.replicate_commands then redis.replicate_commands() end
local old = redis.call('MGET', unpack(KEYS))
local changes, absent, count = {}, {}, 0
for i = 1, #KEYS do
  local time, stored = ARGV[i + 1], old[i]
  local newer = true
  if not stored then
    absent[#absent + 1] = KEYS[i]
  elseif byte(stored, 11) ~= 84 or byte(stored, -1) ~= 90 then
    return {'form', KEYS[i], sub(stored, 1, 40)}
  elseif #stored == #time then
    newer = stored < time
  else
    newer = sub(stored, 1, -2) < sub(time, 1, -2)
  end
  if newer then
    changes[count + 1] = KEYS[i]
    changes[count + 2] = time
    count = count + 2
  end
end
-- MGET takes a key of another type for one that is not there.
if #absent > 0 and redis.call('EXISTS', unpack(absent)) > 0 then
  for _, key in ipairs(absent) do
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'none' then return {'type', key, kind} end
  end
end
if count == 0 then return 0 end
redis.call('MSET', unpack(changes))
if ARGV[1] ~= '0' then
  -- With a moment the server has least to do; without the right to ask for the time, a length does as well.
  local time = redis.pcall('TIME')
  local expire, expiry = 'EXPIRE', ARGV[1]
  if not time.err then
    expire = 'PEXPIREAT'
    expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1] * 1000)
  end
  for i = 1, count, 2 do redis.call(expire, changes[i], expiry) end
end
return count / 2
)lua";

}  // namespace meterstream
