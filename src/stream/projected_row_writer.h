// Purpose: turns a row of a computed stream into the value of a record.
// Format: DELIMITED as metering/delimited_encoder.h has it, or one JSON object with the columns in their order; times as ISO-8601 instants, doubles as the shortest digits that
//         read back the same (docs/formats/metrics-topic.md).
// Thread-safety: none; one writer belongs to one stream of one task.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metering/timestamp.h"
#include "stream/view_spec.h"

namespace meterstream {

class ProjectedRowWriter {
 public:
  explicit ProjectedRowWriter(const std::vector<ProjectedColumn>& columns, ValueFormat format = ValueFormat::kJson,
                              char delimiter = ',');

  /// `columns` in the order of those given. The text lives until the next call.
  std::string_view write(const std::vector<const Column*>& columns, uint32_t row);

 private:
  std::string_view write_delimited(const std::vector<const Column*>& columns, uint32_t row);
  std::string_view text_of(const Column& column, size_t index, uint32_t row);

  struct Prefix {
    std::string blocks;  ///< filled up with spaces
    size_t bytes = 0;
  };
  std::vector<Prefix> prefixes_;  ///< `{"name":` or `,"name":`
  std::vector<MinuteTimestampWriter> times_;
  size_t fixed_bytes_ = 2;  ///< at most, without the texts
  bool is_delimited_;
  char delimiter_;
  std::string field_;
  std::string value_;  ///< room for a row, of which the beginning counts
};

}  // namespace meterstream
