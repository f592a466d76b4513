#include "stream/latest_sink_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/saturation.h"
#include "metering/timestamp.h"
#include "stream/reading_decoder.h"

namespace meterstream {
LatestSinkWriter::LatestSinkWriter(std::unique_ptr<LatestTable> table, SchemaStore& schemas, Options options)
    : table_(std::move(table)),
      options_(std::move(options)),
      decoder_(make_record_decoder(options_.format, schemas, reading_request())) {}

std::string LatestSinkWriter::definition() const {
  return fmt::format("latest {} in {}", name_of(options_.content), options_.table);
}

Status LatestSinkWriter::open(Offset /*next*/) {
  if (const auto asked = table_->activity("gateway"); !asked && asked.error().code != ErrorCode::kCorrupt)
    return asked.error();
  return {};
}

/// Empty for a good row.
std::string LatestSinkWriter::fault_of(size_t row, const RecordView& record) const {
  for (size_t column = 0; column < batch_.columns.size(); ++column) {
    if (batch_.columns[column].is_null(row))
      return fmt::format("no reading: {} is NULL", decoder_->schema()[column].name);
  }
  const int64_t time_ms = batch_.columns[kTimestampColumn].integers[row];
  if (time_ms < kFirstReadingTimeMs || time_ms > kLastReadingTimeMs)
    return "out of range: the event time must lie in the years 1 to 9999";
  if (options_.max_ahead_ms > 0 && saturating_difference(time_ms, record.ingest_time.value) > options_.max_ahead_ms) {
    return fmt::format("ahead of time: {} is more than {} s after the arrival at {}",
                       format_timestamp(EventTime(time_ms)), options_.max_ahead_ms / 1'000,
                       format_timestamp(EventTime(record.ingest_time.value)));
  }
  return {};
}

Status LatestSinkWriter::add(const RecordSet& records, std::vector<Rejected>& rejected) {
  RETURN_IF_ERROR(decoder_->decode(records.records, batch_));
  readings_.clear();
  readings_.reserve(batch_.rows);
  const size_t first_rejected = rejected.size();
  for (RejectedRecord& bad : batch_.rejected) rejected.push_back({bad.record_index, std::move(bad.reason)});
  for (size_t row = 0; row < batch_.rows; ++row) {
    const size_t index = batch_.record_index[row];
    if (std::string fault = fault_of(row, records.records[index]); !fault.empty()) {
      rejected.push_back({index, std::move(fault)});
      continue;
    }
    readings_.push_back({batch_.columns[kGatewayColumn].strings[row], batch_.columns[kTypeColumn].strings[row],
                         batch_.columns[kAttributeColumn].strings[row], batch_.columns[kTimestampColumn].integers[row],
                         batch_.columns[kValueColumn].doubles[row]});
  }
  std::sort(rejected.begin() + static_cast<ptrdiff_t>(first_rejected), rejected.end(),
            [](const Rejected& a, const Rejected& b) { return a.index < b.index; });
  return table_->write(readings_);
}

Result<Offset> LatestSinkWriter::settle(Offset next, Settle /*how*/) {
  RETURN_IF_ERROR(table_->flush());
  return next;
}

}  // namespace meterstream
