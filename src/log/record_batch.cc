#include "log/record_batch.h"

#include <algorithm>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"

namespace meterstream {
namespace {

// The layout is specified in docs/formats/record-batch.md; keep both in step.
constexpr uint32_t kMagic = 0x0142534d;  // "MSB" and the version, 1
constexpr size_t kMagicAt = 0;
constexpr size_t kCrcAt = 4;
constexpr size_t kBaseOffsetAt = 8;
constexpr size_t kCountAt = 16;
constexpr size_t kCompressionAt = 20;
constexpr size_t kFlagsAt = 21;
constexpr size_t kReservedAt = 22;
constexpr size_t kBaseTimeAt = 24;
constexpr size_t kMaxTimeAt = 32;
constexpr size_t kRowBytesAt = 40;
constexpr size_t kHeaderBytes = 44;

constexpr uint8_t kTimes32 = 1;  // a column of 4-byte time deltas follows the rows
constexpr uint8_t kTimes64 = 2;  // a column of 8-byte time deltas follows the rows
constexpr uint8_t kHeaders = 4;  // every row has a headers length
constexpr uint8_t kKnownFlags = kTimes32 | kTimes64 | kHeaders;

constexpr size_t kMaxRowPrefix = 30;  // three varints
constexpr size_t kFirstBytes = 512;

template <class Number>
void store(char* at, Number number) {
  std::memcpy(at, &number, sizeof(Number));
}

char* store_varint(char* at, uint64_t number) {
  while (number >= 0x80) {
    *at++ = static_cast<char>(number | 0x80);
    number >>= 7;
  }
  *at++ = static_cast<char>(number);
  return at;
}

char* store_bytes(char* at, std::string_view bytes) {
  if (bytes.empty()) return at;
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// 0 stands for null, otherwise the length plus one.
uint64_t stored_length(std::string_view bytes) {
  return bytes.data() == nullptr ? 0 : bytes.size() + 1;
}

struct Layout {
  RecordBatchHeader header;
  uint8_t flags = 0;
  int64_t base_time_ms = 0;
  std::string_view rows;
  std::string_view times;
};

Result<Layout> parse_layout(std::string_view batch) {
  if (batch.size() < kHeaderBytes)
    return corrupt(fmt::format("record batch of {} bytes is shorter than its header", batch.size()));
  const char* bytes = batch.data();
  const auto magic = load_little_endian<uint32_t>(bytes + kMagicAt);
  if ((magic & 0xffffff) == (kMagic & 0xffffff) && magic > kMagic)
    return corrupt(fmt::format("record batch has format version {}, this program reads version {}; use a newer one",
                               magic >> 24, kMagic >> 24));
  if (magic != kMagic) return corrupt("these bytes are not a record batch");
  Layout layout;
  layout.header.base_offset = Offset(load_little_endian<int64_t>(bytes + kBaseOffsetAt));
  layout.header.count = load_little_endian<uint32_t>(bytes + kCountAt);
  layout.header.max_ingest_time = IngestTime(load_little_endian<int64_t>(bytes + kMaxTimeAt));
  layout.flags = static_cast<uint8_t>(bytes[kFlagsAt]);
  layout.base_time_ms = load_little_endian<int64_t>(bytes + kBaseTimeAt);
  const auto compression = static_cast<uint8_t>(bytes[kCompressionAt]);
  const size_t row_bytes = load_little_endian<uint32_t>(bytes + kRowBytesAt);
  const size_t time_width = (layout.flags & kTimes64) != 0 ? 8 : (layout.flags & kTimes32) != 0 ? 4 : 0;
  const size_t time_bytes = time_width * layout.header.count;
  if (compression != 0)
    return corrupt(fmt::format("record batch has compression {}, which this program does not know", compression));
  if ((layout.flags & ~kKnownFlags) != 0 || load_little_endian<uint16_t>(bytes + kReservedAt) != 0 ||
      (layout.flags & (kTimes32 | kTimes64)) == (kTimes32 | kTimes64))
    return corrupt(fmt::format("record batch has unknown flags {:#x}", layout.flags));
  if (layout.header.count == 0 || layout.header.base_offset.value < 0 ||
      layout.header.base_offset.value > std::numeric_limits<int64_t>::max() - layout.header.count)
    return corrupt("record batch has an impossible count or offset");
  if (batch.size() != kHeaderBytes + row_bytes + time_bytes)
    return corrupt(
        fmt::format("record batch has {} bytes instead of {}", batch.size(), kHeaderBytes + row_bytes + time_bytes));
  layout.rows = batch.substr(kHeaderBytes, row_bytes);
  layout.times = batch.substr(kHeaderBytes + row_bytes);
  return layout;
}

struct Row {
  std::string_view key;
  std::string_view value;
  std::string_view headers;
};

// Any lengths; the caller has a short way for short rows.
bool read_long_row(const char*& position, const char* end, bool has_headers, Row& row) {
  ByteReader reader(std::string_view(position, static_cast<size_t>(end - position)));
  const uint64_t key = reader.varint();
  const uint64_t value = reader.varint();
  const uint64_t headers = has_headers ? reader.varint() : 0;
  const std::string_view key_bytes = reader.bytes(key == 0 ? 0 : key - 1);
  const std::string_view value_bytes = reader.bytes(value == 0 ? 0 : value - 1);
  row.headers = reader.bytes(headers);
  if (headers == 0) row.headers = {};
  row.key = key == 0 ? std::string_view() : key_bytes;
  row.value = value == 0 ? std::string_view() : value_bytes;
  position = reader.position();
  return reader.ok();
}

// Key and value of at most 126 bytes each, without headers: both lengths in one load.
inline bool read_row(const char*& position, const char* end, Row& row) {
  if (end - position >= 2) [[likely]] {
    const uint32_t lengths = load_little_endian<uint16_t>(position);
    const uint32_t key = lengths & 0xff;
    const uint32_t value = lengths >> 8;
    if ((lengths & 0x8080) == 0 && key != 0 && value != 0) [[likely]] {
      const char* key_at = position + 2;
      if (end - key_at < static_cast<ptrdiff_t>(key + value - 2)) return false;
      row.key = std::string_view(key_at, key - 1);
      row.value = std::string_view(key_at + key - 1, value - 1);
      row.headers = {};
      position = key_at + key + value - 2;
      return true;
    }
  }
  return read_long_row(position, end, false, row);
}

template <bool kHasHeaders>
bool read_any_row(const char*& position, const char* end, Row& row) {
  if constexpr (kHasHeaders) return read_long_row(position, end, true, row);
  return read_row(position, end, row);
}

// Writes `count - skip` records; false when the rows do not fill their bytes exactly.
template <bool kHasHeaders>
bool read_rows(const Layout& layout, uint32_t skip, RecordView* out) {
  const char* position = layout.rows.data();
  const char* end = position + layout.rows.size();
  Row row;
  for (uint32_t index = 0; index < skip; ++index) {
    if (!read_any_row<kHasHeaders>(position, end, row)) return false;
  }
  int64_t offset = layout.header.base_offset.value + skip;
  const int64_t end_offset = layout.header.end_offset().value;
  for (; offset < end_offset; ++offset, ++out) {
    if (!read_any_row<kHasHeaders>(position, end, row)) return false;
    out->key = row.key;
    out->value = row.value;
    out->headers = row.headers;
    out->offset = Offset(offset);
    out->ingest_time = IngestTime(layout.base_time_ms);
  }
  return position == end;
}

template <class Delta>
void apply_times(std::string_view times, uint32_t skip, std::span<RecordView> records) {
  const char* at = times.data() + skip * sizeof(Delta);
  for (RecordView& record : records) {
    record.ingest_time = IngestTime(
        static_cast<int64_t>(static_cast<uint64_t>(record.ingest_time.value) + load_little_endian<Delta>(at)));
    at += sizeof(Delta);
  }
}

}  // namespace

void RecordBatchBuilder::note_time(IngestTime ingest_time) {
  if (count_ == 0) {
    first_time_ms_ = ingest_time.value;
  } else if (!times_ms_.empty() || ingest_time.value != first_time_ms_) [[unlikely]] {
    if (times_ms_.empty()) times_ms_.assign(count_, first_time_ms_);
    times_ms_.push_back(ingest_time.value);
  }
}

void RecordBatchBuilder::add(std::string_view key, std::string_view value, std::string_view headers,
                             IngestTime ingest_time) {
  if (bytes_.empty()) {
    bytes_.reserve(std::max(bytes_.capacity(), kFirstBytes));
    bytes_.resize(kHeaderBytes);
  }
  if (!headers.empty() && !has_headers_) {
    // The rows before have no headers length. Rare, so they are written once more.
    RecordBatchBuilder again;
    again.bytes_.resize(kHeaderBytes);
    again.has_headers_ = true;
    const char* position = bytes_.data() + kHeaderBytes;
    const char* end = bytes_.data() + bytes_.size();
    Row row;
    for (uint32_t index = 0; index < count_; ++index) {
      CHECK(read_row(position, end, row));
      again.add(row.key, row.value, {}, IngestTime(times_ms_.empty() ? first_time_ms_ : times_ms_[index]));
    }
    *this = std::move(again);
  }
  const size_t used = bytes_.size();
  const size_t most = used + kMaxRowPrefix + key.size() + value.size() + headers.size();
  bytes_.resize_and_overwrite(most, [&](char* begin, size_t) {
    char* at = store_varint(begin + used, stored_length(key));
    at = store_varint(at, stored_length(value));
    if (has_headers_) at = store_varint(at, headers.size());
    at = store_bytes(at, key);
    at = store_bytes(at, value);
    at = store_bytes(at, headers);
    return static_cast<size_t>(at - begin);
  });
  note_time(ingest_time);
  ++count_;
}

std::string RecordBatchBuilder::finish(Offset base_offset, IngestTime now) {
  CHECK(count_ > 0);
  const size_t row_bytes = bytes_.size() - kHeaderBytes;
  CHECK_MESSAGE(row_bytes <= std::numeric_limits<uint32_t>::max(), "a record batch of more than 4 GiB");
  int64_t min_time_ms = first_time_ms_ == 0 ? now.value : first_time_ms_;
  int64_t max_time_ms = min_time_ms;
  for (int64_t& time_ms : times_ms_) {
    if (time_ms == 0) time_ms = now.value;
    min_time_ms = std::min(min_time_ms, time_ms);
    max_time_ms = std::max(max_time_ms, time_ms);
  }
  const auto spread = static_cast<uint64_t>(max_time_ms) - static_cast<uint64_t>(min_time_ms);
  uint8_t flags = has_headers_ ? kHeaders : 0;
  if (spread > 0) {
    const bool wide = spread > std::numeric_limits<uint32_t>::max();
    flags |= wide ? kTimes64 : kTimes32;
    bytes_.reserve(bytes_.size() + count_ * size_t{wide ? 8U : 4U});
    for (const int64_t time_ms : times_ms_) {
      const auto delta = static_cast<uint64_t>(time_ms) - static_cast<uint64_t>(min_time_ms);
      if (wide) {
        append_little_endian(bytes_, delta);
      } else {
        append_little_endian(bytes_, static_cast<uint32_t>(delta));
      }
    }
  }
  std::string batch = std::move(bytes_);
  store(batch.data() + kMagicAt, kMagic);
  store(batch.data() + kBaseOffsetAt, base_offset.value);
  store(batch.data() + kCountAt, count_);
  batch[kCompressionAt] = 0;
  batch[kFlagsAt] = static_cast<char>(flags);
  store(batch.data() + kReservedAt, uint16_t{0});
  store(batch.data() + kBaseTimeAt, min_time_ms);
  store(batch.data() + kMaxTimeAt, max_time_ms);
  store(batch.data() + kRowBytesAt, static_cast<uint32_t>(row_bytes));
  store(batch.data() + kCrcAt, crc32c(std::string_view(batch).substr(kBaseOffsetAt)));
  *this = RecordBatchBuilder();
  return batch;
}

Result<RecordBatchHeader> parse_record_batch_header(std::string_view batch) {
  ASSIGN_OR_RETURN(const Layout layout, parse_layout(batch));
  return layout.header;
}

Status parse_record_batch(std::string_view batch, Offset from, std::vector<RecordView>& out) {
  ASSIGN_OR_RETURN(const Layout layout, parse_layout(batch));
  if (crc32c(batch.substr(kBaseOffsetAt)) != load_little_endian<uint32_t>(batch.data() + kCrcAt))
    return corrupt("record batch fails its CRC-32C checksum");
  // Every row has at least two length bytes, so a forged count cannot ask for more memory than the rows
  // justify.
  if (layout.rows.size() / 2 < layout.header.count) return corrupt("record batch has fewer rows than it counts");
  const int64_t before = from.value - layout.header.base_offset.value;
  if (before >= static_cast<int64_t>(layout.header.count)) return {};
  const auto skip = static_cast<uint32_t>(std::max<int64_t>(before, 0));
  const size_t old_size = out.size();
  out.resize(old_size + layout.header.count - skip);
  const std::span<RecordView> added(out.data() + old_size, layout.header.count - skip);
  const bool whole = (layout.flags & kHeaders) != 0 ? read_rows<true>(layout, skip, added.data())
                                                    : read_rows<false>(layout, skip, added.data());
  if (!whole) {
    out.resize(old_size);
    return corrupt("record batch has rows that do not fill its body");
  }
  if ((layout.flags & kTimes32) != 0) apply_times<uint32_t>(layout.times, skip, added);
  if ((layout.flags & kTimes64) != 0) apply_times<uint64_t>(layout.times, skip, added);
  return {};
}

}  // namespace meterstream
