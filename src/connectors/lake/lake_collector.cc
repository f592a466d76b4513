#include "connectors/lake/lake_collector.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/check.h"
#include "connectors/lake/lake_object_name.h"
#include "stream/reading_decoder.h"

namespace meterstream {
namespace {

constexpr size_t kMostSeries = 1'000'000;

/// The names are needed as one key only.
DecodeRequest collected_columns() {
  DecodeRequest request = reading_request();
  request.needed = {false, false, false, true, true};
  request.group_key = {kGatewayColumn, kTypeColumn, kAttributeColumn};
  return request;
}

/// The names behind a group key; nothing when one is NULL.
std::optional<SeriesKey> parse_series(std::string_view group_key) {
  ByteReader reader(group_key);
  SeriesKey key;
  for (std::string* part : {&key.gateway, &key.metric_type, &key.metric_attribute}) {
    const int64_t length = reader.zigzag_varint();
    if (length < 0) return std::nullopt;
    *part = reader.bytes(static_cast<uint64_t>(length));
  }
  CHECK(reader.ok());
  return key;
}

}  // namespace

LakeCollector::LakeCollector(ValueFormat format, SchemaStore& schemas)
    : decoder_(make_record_decoder(format, schemas, collected_columns())) {}

Status LakeCollector::decode(std::span<const RecordView> records) {
  RETURN_IF_ERROR(decoder_->decode(records, batch_));
  if (may_forget_series_) forget_unused_series();
  records_now_ = records;
  next_record_ = next_row_ = next_rejected_ = 0;
  interned_.resize(batch_.rows);
  interner_.intern(batch_.group_keys, interned_.data());
  for (uint32_t id = static_cast<uint32_t>(rows_.series.size()); id < interner_.size(); ++id) {
    auto key = parse_series(interner_.key(id));
    is_bad_series_.push_back(!key);
    rows_.series.push_back(key ? *std::move(key) : SeriesKey());
  }
  return {};
}

std::optional<std::string> LakeCollector::take() {
  const RecordView& record = records_now_[next_record_];
  if (records_ == 0) first_ingest_ms_ = record.ingest_time.value;
  ++records_;
  record_bytes_ += static_cast<int64_t>(record.key.size() + record.value.size());
  fingerprint_ +=
      XXH3_64bits_withSeed(record.value.data(), record.value.size(), static_cast<uint64_t>(record.offset.value));
  std::optional<std::string> reason;
  if (next_row_ < batch_.rows && batch_.record_index[next_row_] == next_record_) {
    reason = take_row(record);
    ++next_row_;
  } else {
    CHECK(next_rejected_ < batch_.rejected.size());
    reason = std::move(batch_.rejected[next_rejected_++].reason);
  }
  ++next_record_;
  if (reason) ++rejected_;
  return reason;
}

std::optional<std::string> LakeCollector::take_row(const RecordView& record) {
  const Column& times = batch_.columns[kTimestampColumn];
  const Column& values = batch_.columns[kValueColumn];
  if (times.is_null(next_row_)) return "no event time: timestamp is NULL";
  if (values.is_null(next_row_)) return "no value: value is NULL";
  const int64_t time_ms = times.integers[next_row_];
  if (time_ms < kFirstReadingTimeMs || time_ms > kLastReadingTimeMs) {
    return "out of range: the event time must lie in the years 1 to 9999";
  }
  const uint32_t series = interned_[next_row_];
  if (is_bad_series_[series]) return "no series: gateway, metricType or metricAttribute is NULL";
  // Mostly that of the reading before.
  if (const int64_t day = day_of(time_ms); days_.empty() || day != last_day_) {
    days_.insert(day);
    last_day_ = day;
  }
  rows_.series_of.push_back(series);
  rows_.time_ms.push_back(time_ms);
  rows_.value.push_back(values.doubles[next_row_]);
  rows_.offset.push_back(record.offset.value);
  rows_.ingest_ms.push_back(record.ingest_time.value);
  return std::nullopt;
}

void LakeCollector::clear() {
  rows_.clear_readings();
  days_.clear();
  records_ = rejected_ = record_bytes_ = 0;
  fingerprint_ = 0;
  may_forget_series_ = true;
}

// Series come and go over the years; what is kept follows those of the last ranges.
void LakeCollector::forget_unused_series() {
  may_forget_series_ = false;
  if (rows_.series.size() < kMostSeries) return;
  KeyInterner interner;
  std::vector<SeriesKey> series;
  for (uint32_t& id : rows_.series_of) {
    const uint32_t new_id = interner.intern(interner_.key(id));
    if (new_id == series.size()) series.push_back(std::move(rows_.series[id]));
    id = new_id;
  }
  interner_ = std::move(interner);
  rows_.series = std::move(series);
  is_bad_series_.assign(rows_.series.size(), false);
}

}  // namespace meterstream
