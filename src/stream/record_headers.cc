#include "stream/record_headers.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace meterstream {

void append_reason_header(std::string& headers, std::string_view reason) {
  append_sized(headers, "reason");
  append_sized(headers, reason);
}

void append_result_id(std::string& headers, std::string_view view, std::string_view key, int64_t window_start_ms,
                      uint64_t revision) {
  fmt::memory_buffer id;
  fmt::format_to(std::back_inserter(id), "{}|{}|{}|{}", view, key, window_start_ms, revision);
  append_sized(headers, "id");
  append_sized(headers, {id.data(), id.size()});
}

void append_source_id(std::string& headers, std::string_view origin, PartitionId partition, Offset offset) {
  append_sized(headers, "id");
  append_sized(headers, fmt::format("{}|{}|{}", origin, partition.value, offset.value));
}

void append_pair_id(std::string& headers, std::string_view view, std::string_view pair) {
  append_sized(headers, "id");
  append_sized(headers, fmt::format("{}|{}", view, pair));
}

}  // namespace meterstream
