// Purpose: turns a row of a computed stream into the value of a record.
// Format: one JSON object with the columns in their order; times as ISO-8601 instants, doubles as the shortest digits that
//         read back the same (docs/formats/metrics-topic.md).
// Thread-safety: none; one writer belongs to one stream of one task.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stream/view_spec.h"

namespace meterstream {

class ProjectedRowWriter {
 public:
  explicit ProjectedRowWriter(const std::vector<ProjectedColumn>& columns);

  /// `columns` in the order of those given. The text lives until the next call.
  std::string_view write(const std::vector<Column>& columns, uint32_t row);

 private:
  std::vector<std::string> prefixes_;  ///< `{"name":` or `,"name":`
  std::string value_;
};

}  // namespace meterstream
