// Purpose: the sections [cassandra], [redis] and [lake] of meterstream.toml.
// Thread-safety: pure function.
#pragma once

#include <span>

#include "apps/configuration_values.h"

namespace meterstream {

std::span<const ConfigurationKey> store_configuration_keys();

}  // namespace meterstream
