#include "stream/sink_task.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/record_headers.h"

namespace meterstream {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

std::string_view text_or_null(const std::string& text, bool is_there) {
  return is_there ? std::string_view(text) : std::string_view();
}

}  // namespace

std::string sink_group(std::string_view application, std::string_view sink) {
  return fmt::format("{}.sink.{}", application, sink);
}

SinkTask::SinkTask(std::string sink, TopicPartition source, std::unique_ptr<SinkWriter> writer, EventLog& log,
                   const Clock& clock, Options options)
    : sink_(std::move(sink)),
      source_(std::move(source)),
      writer_(std::move(writer)),
      log_(log),
      clock_(clock),
      options_(std::move(options)),
      group_(sink_group(options_.application, sink_)) {}

SinkTask::~SinkTask() {
  if (!trouble_.empty() && options_.on_store) options_.on_store(StoreChange::kGivenUp, {});
}

Status SinkTask::open() {
  RETURN_IF_ERROR(restore_position());
  ASSIGN_OR_RETURN(const auto rejected, log_.describe_topic(source_.topic + "-rejected"));
  rejected_partitions_ = rejected.config.partitions;
  last_commit_ns_ = clock_.monotonic_ns();
  publish_status();
  return {};
}

Status SinkTask::restore_position() {
  ASSIGN_OR_RETURN(const auto position, log_.position(group_, source_));
  ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets(source_));
  next_ = position ? position->next : range.begin;
  committed_ = next_;
  if (!position) return {};
  // Records read and written since the sink began.
  ByteReader reader(position->metadata);
  accounting_.read = reader.little_endian<int64_t>();
  accounting_.results = reader.little_endian<int64_t>();
  accounting_.rejected = reader.little_endian<int64_t>();
  const std::string_view definition = reader.sized_bytes();
  accounting_.aggregated = accounting_.results;
  if (!reader.ok()) return corrupt(fmt::format("sink {}: its committed position does not decode", sink_));
  if (definition != writer_->definition()) {
    return conflict(fmt::format("sink {} exists as '{}' and not as '{}'; give the new one another name", sink_,
                                definition, writer_->definition()));
  }
  return {};
}

std::string SinkTask::position_metadata() const {
  std::string metadata;
  append_little_endian(metadata, accounting_.read);
  append_little_endian(metadata, accounting_.results);
  append_little_endian(metadata, accounting_.rejected);
  append_sized(metadata, writer_->definition());
  return metadata;
}

Status SinkTask::start_writer() {
  RETURN_IF_ERROR(writer_->open(next_));
  writer_is_open_ = true;
  return {};
}

/// A store that answers may still refuse to take anything.
void SinkTask::end_trouble() {
  pause_ms_ = 0;
  if (trouble_.empty()) return;
  trouble_.clear();
  if (options_.on_store) options_.on_store(StoreChange::kBack, {});
}

Result<Task::Step> SinkTask::step() {
  RETURN_IF_ERROR(failure_);
  if (!writer_is_open_) {
    if (clock_.monotonic_ns() < retry_at_ns_) return Step::kWaiting;
    if (Status started = start_writer(); !started) return wait_for_store(std::move(started).error());
  }
  return read_on();
}

Result<Task::Step> SinkTask::read_on() {
  RETURN_IF_ERROR(log_.read(source_, next_, options_.read_bytes, records_));
  Step result = Step::kExhausted;
  if (!records_.records.empty()) {
    if (Status taken = take(records_); !taken) return wait_for_store(std::move(taken).error());
  }
  // A read without records that moved on passed over marks of transactions.
  if (!records_.records.empty() || records_.next > next_) {
    next_ = records_.next;
    result = Step::kWorked;
  }
  const bool is_due = clock_.monotonic_ns() - last_commit_ns_ >= options_.commit_interval_ms * kNsPerMs;
  const bool is_at_end = result == Step::kExhausted && options_.bounded && committed_ != next_;
  if (is_due || is_at_end || waiting_records_ >= options_.commit_records) {
    const auto how = is_at_end ? SinkWriter::Settle::kAll : SinkWriter::Settle::kPeriodic;
    if (Status committed = commit(how); !committed) {
      if (writer_is_open_) return std::move(committed).error();
      return wait_for_store(std::move(committed).error());
    }
  }
  return result;
}

Status SinkTask::take(const RecordSet& records) {
  rejected_now_.clear();
  RETURN_IF_ERROR(writer_->add(records, rejected_now_));
  for (const RecordView& record : records.records) unsettled_.add(record.offset);
  for (const SinkWriter::Rejected& one : rejected_now_) reject(records.records[one.index], one.reason);
  const auto count = static_cast<int64_t>(records.records.size());
  waiting_records_ += count;
  records_read_ += count;
  return {};
}

void SinkTask::reject(const RecordView& record, const std::string& reason) {
  RejectedRecord kept;
  kept.offset = record.offset;
  kept.key = record.key;
  kept.has_key = record.has_key();
  kept.value = record.value;
  kept.has_value = !record.is_tombstone();
  append_reason_header(kept.headers, reason);
  append_source_id(kept.headers, source_.topic, source_.partition, record.offset);
  kept.ingest_time = record.ingest_time;
  rejected_.push_back(std::move(kept));
}

void SinkTask::add_rejected_below(Offset durable) {
  const auto end =
      std::ranges::partition_point(rejected_, [&](const RejectedRecord& record) { return record.offset < durable; });
  for (auto record = rejected_.begin(); record != end; ++record) {
    output_.add(output_.topic(source_.topic + "-rejected"), PartitionId(source_.partition.value % rejected_partitions_),
                text_or_null(record->key, record->has_key), text_or_null(record->value, record->has_value),
                record->headers, record->ingest_time);
    ++accounting_.rejected;
  }
  rejected_.erase(rejected_.begin(), end);
}

/// An error of the store closes the writer; an error of the log does not.
Status SinkTask::commit(SinkWriter::Settle how) {
  if (next_ != committed_) {
    const Result<Offset> durable = writer_->settle(next_, how);
    if (!durable) {
      writer_is_open_ = false;
      return durable.error();
    }
    CHECK(*durable >= committed_ && *durable <= next_);
    if (*durable != committed_) {
      if (Status given = commit_up_to(*durable); !given) {
        // What was to be committed is gone from here.
        failure_ = conflict(fmt::format("sink {}: a commit failed; going on from the last one that did not: {}", sink_,
                                        given.error().message));
        return given;
      }
      end_trouble();
    }
  }
  waiting_records_ = 0;
  last_commit_ns_ = clock_.monotonic_ns();
  publish_status();
  return {};
}

Status SinkTask::commit_up_to(Offset durable) {
  const int64_t rejected_before = accounting_.rejected;
  add_rejected_below(durable);
  const int64_t count = unsettled_.take_below(durable);
  accounting_.read += count;
  accounting_.results += count - (accounting_.rejected - rejected_before);
  accounting_.aggregated = accounting_.results;
  Transaction transaction;
  output_.move_into(transaction);
  transaction.positions.push_back({group_, source_, {durable, durable, position_metadata()}});
  RETURN_IF_ERROR(log_.commit(std::move(transaction), options_.durability));
  committed_ = durable;
  ++commits_;
  return {};
}

Result<Task::Step> SinkTask::wait_for_store(Error error) {
  writer_is_open_ = false;
  // A worker that makes tasks anew after a conflict must not do so for ever: the store will still hold something else.
  if (error.code == ErrorCode::kConflict && options_.conflicts_are_retried) error.code = ErrorCode::kInvalid;
  if (error.code != ErrorCode::kUnavailable || !options_.waits_for_store)
    return error.within(fmt::format("sink {}", sink_));
  if (trouble_.empty() && options_.on_store) options_.on_store(StoreChange::kAway, error.message);
  trouble_ = std::move(error.message);
  pause_ms_ = std::clamp(pause_ms_ * 2, options_.retry_first_ms, options_.retry_longest_ms);
  retry_at_ns_ = clock_.monotonic_ns() + pause_ms_ * kNsPerMs;
  forget_uncommitted();
  publish_status();
  return Step::kWaiting;
}

void SinkTask::forget_uncommitted() {
  next_ = committed_;
  unsettled_.clear();
  rejected_.clear();
  waiting_records_ = 0;
}

Status SinkTask::finish(bool close) {
  RETURN_IF_ERROR(failure_);
  // What is not settled is read again by the next run.
  if (!writer_is_open_) return {};
  Status committed = commit(close ? SinkWriter::Settle::kAll : SinkWriter::Settle::kPeriodic);
  if (committed || writer_is_open_) return committed;
  if (const auto waiting = wait_for_store(std::move(committed).error()); !waiting) return waiting.error();
  if (!close) return {};
  return unavailable(fmt::format("sink {}: what was read last is not stored yet, after: {}", sink_, trouble_));
}

void SinkTask::publish_status() {
  TaskStatus status;
  status.name = group_;
  status.records = records_read_;
  if (const auto range = log_.offsets(source_)) status.lag = range->end.value - next_.value;
  status.commits = commits_;
  status.views.push_back({sink_, accounting_});
  publish(std::move(status));
}

}  // namespace meterstream
