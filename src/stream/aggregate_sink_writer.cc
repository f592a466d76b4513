#include "stream/aggregate_sink_writer.h"

#include <string>

#include <fmt/format.h>

#include "metering/aggregate.h"

namespace meterstream {
namespace {

constexpr int64_t kMostSamples = 1'000'000'000'000;
constexpr size_t kLongestName = size_t{16} << 10;

/// What every store can hold.
Result<Aggregate> storable(Aggregate aggregate) {
  if (aggregate.sample_count < 1 || aggregate.sample_count > kMostSamples)
    return invalid(fmt::format("sampleCount {} is no count of readings", aggregate.sample_count));
  for (const std::string* name : {&aggregate.gateway, &aggregate.metric_type, &aggregate.metric_attribute}) {
    if (name->size() > kLongestName) return invalid("gateway, metricType or metricAttribute is longer than 16 KiB");
  }
  return aggregate;
}

AggregateEntry entry_of(Aggregate aggregate) {
  AggregateEntry entry;
  entry.row.window_start_ms = aggregate.window_start.value;
  entry.row.window_end_ms = aggregate.window_end.value;
  entry.row.sample_count = aggregate.sample_count;
  entry.row.min = aggregate.min;
  entry.row.max = aggregate.max;
  entry.row.sum_units = aggregate.sum.units();
  entry.row.average_units = aggregate.average.units();
  entry.revision = aggregate.sample_count;
  entry.series = {std::move(aggregate.gateway), std::move(aggregate.metric_type),
                  std::move(aggregate.metric_attribute)};
  return entry;
}

}  // namespace

std::string AggregateSinkWriter::definition() const {
  return fmt::format("{}{}table {} bucket {}", place_, place_.empty() ? "" : " ", definition_.name,
                     name_of(definition_.bucket));
}

Status AggregateSinkWriter::open(Offset /*next*/) {
  table_.reset();
  ASSIGN_OR_RETURN(table_, store_.create(definition_));
  return {};
}

Status AggregateSinkWriter::add(const RecordSet& records, std::vector<Rejected>& rejected) {
  entries_.clear();
  entries_.reserve(records.records.size());
  for (size_t index = 0; index < records.records.size(); ++index) {
    const RecordView& record = records.records[index];
    Result<Aggregate> aggregate =
        record.is_tombstone() ? Result<Aggregate>(invalid("tombstone")) : parse_aggregate_json(record.value);
    if (aggregate) aggregate = storable(*std::move(aggregate));
    if (aggregate) {
      entries_.push_back(entry_of(*std::move(aggregate)));
    } else {
      rejected.push_back({index, std::move(aggregate).error().message});
    }
  }
  return table_->write(entries_);
}

Result<Offset> AggregateSinkWriter::settle(Offset next, Settle /*how*/) {
  RETURN_IF_ERROR(table_->flush());
  return next;
}

}  // namespace meterstream
