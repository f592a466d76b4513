#include "connectors/kafka/kafka_record_set.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/saturation.h"

namespace meterstream {
namespace {

// A length below 0 means null.
std::string_view nullable_bytes(ByteReader& reader) {
  const int64_t size = reader.zigzag_varint();
  return size < 0 ? std::string_view() : reader.bytes(static_cast<uint64_t>(size));
}

bool read_headers(ByteReader& reader, std::deque<std::string>& headers, RecordView& record) {
  const int64_t count = reader.zigzag_varint();
  if (count == 0) return reader.ok();
  if (count < 0 || static_cast<uint64_t>(count) > reader.remaining()) return false;
  std::string encoded;
  for (int64_t index = 0; index < count && reader.ok(); ++index) {
    append_sized(encoded, nullable_bytes(reader));
    append_sized(encoded, nullable_bytes(reader));
  }
  record.headers = headers.emplace_back(std::move(encoded));
  return reader.ok();
}

}  // namespace

Status KafkaRecordSet::append_to(std::vector<RecordView>& out, std::deque<std::string>& headers, Offset from) const {
  ByteReader reader(records);
  int64_t last_delta = -1;
  for (int32_t index = 0; index < record_count; ++index) {
    const auto size = reader.zigzag_varint();
    if (!reader.ok() || size <= 0 || static_cast<uint64_t>(size) > reader.remaining())
      return corrupt(fmt::format("record {} of {} of a batch is longer than the batch", index + 1, record_count));
    ByteReader body(reader.bytes(static_cast<uint64_t>(size)));
    body.bytes(1);  // attributes: none are in use
    const int64_t time_delta = body.zigzag_varint();
    const int64_t offset_delta = body.zigzag_varint();
    const Offset offset(saturating_sum(base_offset.value, offset_delta));
    if (!body.ok() || offset_delta <= last_delta || offset > last_offset)
      return corrupt(
          fmt::format("record {} of {} of a batch has an offset that is not in it, or not behind the one before",
                      index + 1, record_count));
    last_delta = offset_delta;
    if (offset < from) continue;
    RecordView& record = out.emplace_back();
    record.offset = offset;
    record.ingest_time = has_one_time ? base_time : IngestTime(saturating_sum(base_time.value, time_delta));
    record.key = nullable_bytes(body);
    record.value = nullable_bytes(body);
    if (!read_headers(body, headers, record) || !body.ok() || body.remaining() != 0)
      return corrupt(fmt::format("record {} of {} of a batch does not end where it should", index + 1, record_count));
  }
  if (reader.remaining() != 0)
    return corrupt(fmt::format("a batch of {} records has {} bytes too many", record_count, reader.remaining()));
  return {};
}

}  // namespace meterstream
