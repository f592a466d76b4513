// Purpose: the hash behind partition_for_key (log/event_log.h).
// Source: MurmurHash2, 32 bits, seed 0x9747b28c, as Kafka's Java client uses it on the bytes of a key.
#pragma once

#include <cstdint>
#include <string_view>

namespace meterstream {

/// Java reads the result as a signed int; compare with static_cast<int32_t>.
uint32_t murmur2(std::string_view bytes);

}  // namespace meterstream
