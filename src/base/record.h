// Purpose: a record of a log as every layer sees it, embedded or Kafka.
// Ownership: a RecordView points into bytes that its RecordSet (log/event_log.h) keeps alive.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/strong.h"

namespace meterstream {

/// Null keys and null values (tombstones) are told by a null data pointer; an empty string is not null.
struct RecordView {
  std::string_view key;
  std::string_view value;
  /// Encoded headers: per header a sized name and a sized value (base/bytes.h). Empty when there are none.
  std::string_view headers;
  Offset offset;
  /// Arrival in the log. Event time is inside the value.
  IngestTime ingest_time;

  [[nodiscard]] bool has_key() const { return key.data() != nullptr; }
  [[nodiscard]] bool is_tombstone() const { return value.data() == nullptr; }
};

}  // namespace meterstream
