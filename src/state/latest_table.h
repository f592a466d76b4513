// Purpose: the latest state of every gateway, as a port: when it was last heard of, and the last value of each of its series.
//          Embedded (EmbeddedLatestTable) or in Redis.
// Time base: event time, milliseconds since 1970-01-01T00:00:00Z.
// Guarantee: never goes back in time: of two readings of a series the one with the later timestamp stays, in whatever
//            order, and however often, they are written; of equal timestamps either. The same for a gateway.
// Thread-safety: of one object, one thread at a time; several writers of one table may run at a time.
// Blocking: write() waits while too much is on its way; flush() and the readers wait for the store.
// Errors: kUnavailable (retry: the writes since the last flush() may be there or not), kInvalid (refused; the message says
//         why), kCorrupt. After an error write again what was written since the last flush() that succeeded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meterstream {

struct LatestReading {
  std::string gateway;
  std::string metric_type;
  std::string metric_attribute;
  int64_t timestamp_ms = 0;
  double value = 0;
  bool operator==(const LatestReading&) const = default;
};

/// The same without owning its texts, for writing.
struct LatestReadingView {
  std::string_view gateway;
  std::string_view metric_type;
  std::string_view metric_attribute;
  int64_t timestamp_ms = 0;
  double value = 0;
};

class LatestTable {
 public:
  virtual ~LatestTable() = default;
  /// Copies what it keeps of `readings`.
  virtual Status write(std::span<const LatestReadingView> readings) = 0;
  /// Until everything written is there and readers see it.
  virtual Status flush() = 0;
  /// Time of the latest reading; nullopt for a gateway that is not known.
  virtual Result<std::optional<int64_t>> activity(std::string_view gateway) = 0;
  /// The last reading of each series of a gateway, ordered by type and attribute.
  virtual Result<std::vector<LatestReading>> values(std::string_view gateway) = 0;
  /// Gateways whose name begins with `prefix`, behind `after` when given, in the order of their names; at most `limit`.
  virtual Result<std::vector<std::string>> gateways(std::string_view prefix, size_t limit,
                                                    const std::string* after) = 0;
};

}  // namespace meterstream
