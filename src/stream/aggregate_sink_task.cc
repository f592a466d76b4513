#include "stream/aggregate_sink_task.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "metering/aggregate.h"
#include "stream/record_headers.h"

namespace meterstream {

AggregateSinkTask::AggregateSinkTask(SinkSpec spec, AggregateBucket bucket, PartitionId partition, EventLog& log,
                                     const Clock& clock, Options options)
    : spec_(std::move(spec)),
      table_{.name = spec_.table, .window_ms = 0, .bucket = bucket},
      source_{spec_.topic, partition},
      log_(log),
      clock_(clock),
      options_(std::move(options)) {}

std::string AggregateSinkTask::group() const {
  return fmt::format("{}.sink.{}", options_.application, spec_.name);
}

Status AggregateSinkTask::open() {
  ASSIGN_OR_RETURN(const auto position, log_.position(group(), source_));
  ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets(source_));
  next_ = position ? position->next : range.begin;
  committed_ = next_;
  if (position) {
    // Rows read and written since the sink began.
    ByteReader reader(position->metadata);
    accounting_.read = reader.little_endian<int64_t>();
    accounting_.results = reader.little_endian<int64_t>();
    accounting_.rejected = reader.little_endian<int64_t>();
    const std::string_view definition = reader.sized_bytes();
    accounting_.aggregated = accounting_.results;
    if (reader.ok() && definition != this->definition()) {
      return conflict(fmt::format(
          "sink {} exists with another table or bucket; give the new one another name and table", spec_.name));
    }
    if (!reader.ok()) return corrupt(fmt::format("sink {}: its committed position does not decode", spec_.name));
  }
  ASSIGN_OR_RETURN(const auto rejected, log_.describe_topic(spec_.topic + "-rejected"));
  rejected_partitions_ = rejected.config.partitions;
  last_commit_ns_ = clock_.monotonic_ns();
  publish_status();
  return {};
}

std::string AggregateSinkTask::definition() const {
  return fmt::format("table {} bucket {}", spec_.table, name_of(table_.bucket));
}

void AggregateSinkTask::take(const RecordView& record) {
  ++accounting_.read;
  const auto aggregate =
      record.is_tombstone() ? Result<Aggregate>(invalid("tombstone")) : parse_aggregate_json(record.value);
  if (!aggregate) {
    ++accounting_.rejected;
    std::string headers;
    append_reason_header(headers, aggregate.error().message);
    if (options_.result_ids) append_source_id(headers, spec_.topic, source_.partition, record.offset);
    output_.add(output_.topic(spec_.topic + "-rejected"), PartitionId(source_.partition.value % rejected_partitions_),
                record.key, record.value, headers, record.ingest_time);
    return;
  }
  AggregateRow row;
  row.window_start_ms = aggregate->window_start.value;
  row.window_end_ms = aggregate->window_end.value;
  row.sample_count = aggregate->sample_count;
  row.min = aggregate->min;
  row.max = aggregate->max;
  row.sum_units = aggregate->sum.units();
  row.average_units = aggregate->average.units();
  const int64_t window_ms = row.window_end_ms - row.window_start_ms;
  if (table_.window_ms != window_ms) {
    table_.window_ms = window_ms;
    put_table(table_, rows_);
  }
  put_row(table_, {aggregate->gateway, aggregate->metric_type, aggregate->metric_attribute}, row, rows_);
  ++rows_waiting_;
  ++accounting_.aggregated;
  ++accounting_.results;
}

Result<Task::Step> AggregateSinkTask::step() {
  RETURN_IF_ERROR(log_.read(source_, next_, options_.read_bytes, records_));
  Step result = Step::kExhausted;
  for (const RecordView& record : records_.records) take(record);
  records_read_ += static_cast<int64_t>(records_.records.size());
  // A read without records that moved on passed over marks of transactions.
  if (!records_.records.empty() || records_.next > next_) {
    next_ = records_.next;
    result = Step::kWorked;
  }
  const bool due = clock_.monotonic_ns() - last_commit_ns_ >= options_.commit_interval_ms * 1'000'000;
  if (due || rows_waiting_ >= options_.commit_rows) RETURN_IF_ERROR(commit());
  return result;
}

Status AggregateSinkTask::commit() {
  if (next_ != committed_) {
    Transaction transaction;
    output_.move_into(transaction);
    rows_.sort_puts();
    transaction.state = std::move(rows_);
    rows_.clear();
    std::string metadata;
    append_little_endian(metadata, accounting_.read);
    append_little_endian(metadata, accounting_.results);
    append_little_endian(metadata, accounting_.rejected);
    append_sized(metadata, definition());
    transaction.positions.push_back({group(), source_, {next_, next_, std::move(metadata)}});
    RETURN_IF_ERROR(log_.commit(std::move(transaction), options_.durability));
    committed_ = next_;
    rows_waiting_ = 0;
    ++commits_;
  }
  last_commit_ns_ = clock_.monotonic_ns();
  publish_status();
  return {};
}

Status AggregateSinkTask::finish(bool) {
  return commit();
}

void AggregateSinkTask::publish_status() {
  TaskStatus status;
  status.name = group();
  status.records = records_read_;
  if (const auto range = log_.offsets(source_)) status.lag = range->end.value - next_.value;
  status.commits = commits_;
  status.views.push_back({spec_.name, accounting_});
  publish(std::move(status));
}

}  // namespace meterstream
