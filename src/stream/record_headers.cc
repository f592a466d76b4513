#include "stream/record_headers.h"

#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"
#include "metering/timestamp.h"

namespace meterstream {

void append_reason_header(std::string& headers, std::string_view reason) {
  append_sized(headers, "reason");
  append_sized(headers, reason);
}

void append_window_header(std::string& headers, int64_t window_start_ms) {
  append_sized(headers, "windowStart");
  append_sized(headers, format_timestamp(EventTime(window_start_ms)));
}

std::optional<int64_t> window_of_headers(std::string_view headers) {
  ByteReader reader(headers);
  while (reader.ok() && reader.remaining() > 0) {
    const std::string_view name = reader.sized_bytes();
    const std::string_view value = reader.sized_bytes();
    if (name != "windowStart") continue;
    const auto time = parse_timestamp(value);
    return time ? std::optional<int64_t>(time->value) : std::nullopt;
  }
  return std::nullopt;
}

void append_result_id(std::string& headers, std::string_view view, std::string_view key, int64_t window_start_ms,
                      uint64_t revision) {
  fmt::memory_buffer id;
  fmt::format_to(std::back_inserter(id), "{}|{}|{}|{}", view, key, window_start_ms, revision);
  append_sized(headers, "id");
  append_sized(headers, {id.data(), id.size()});
}

void append_source_id(std::string& headers, std::string_view origin, PartitionId partition, Offset offset) {
  char numbers[48];
  char* const end = numbers + sizeof(numbers);
  numbers[0] = '|';
  char* at = std::to_chars(numbers + 1, end, partition.value).ptr;
  *at++ = '|';
  at = std::to_chars(at, end, offset.value).ptr;
  const auto bytes = static_cast<size_t>(at - numbers);
  append_sized(headers, "id");
  append_varint(headers, origin.size() + bytes);
  headers.append(origin);
  headers.append(numbers, bytes);
}

void append_pair_id(std::string& headers, std::string_view view, std::string_view pair) {
  append_sized(headers, "id");
  append_sized(headers, fmt::format("{}|{}", view, pair));
}

}  // namespace meterstream
