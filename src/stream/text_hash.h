// Purpose: the hash of maps by texts that are asked for with views.
// Thread-safety: pure function.
#pragma once

#include <functional>
#include <string_view>

namespace meterstream {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
};

}  // namespace meterstream
