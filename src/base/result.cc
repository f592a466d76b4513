#include "base/result.h"

#include <fmt/format.h>

namespace meterstream {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kOutOfRange:
      return "out of range";
  }
  return "unknown";
}

Error Error::within(std::string_view context) const {
  return {code, fmt::format("{}: {}", context, message)};
}

}  // namespace meterstream
