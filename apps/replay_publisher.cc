#include "apps/replay_publisher.h"

#include <algorithm>

namespace meterstream {

ReplayPublisher::ReplayPublisher(EventLog& log, SchemaId schema, const std::vector<SeriesKey>& series,
                                 ReplayPublisherOptions options)
    : log_(log), options_(std::move(options)), builders_(static_cast<size_t>(options_.partitions)) {
  series_.reserve(series.size());
  for (const SeriesKey& key : series) {
    EncodedSeries encoded(schema, key);
    const PartitionId partition = partition_for_key(encoded.key, options_.partitions);
    series_.push_back({std::move(encoded), partition.value});
  }
  committer_ = std::thread([this] { commit_loop(); });
}

ReplayPublisher::~ReplayPublisher() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  committer_.join();
}

Status ReplayPublisher::publish(std::span<const IndexedReading> readings, const ReplayPosition& position) {
  for (const IndexedReading& reading : readings) {
    const Series& series = series_[reading.series];
    value_.clear();
    append_metric_avro(value_, series.encoded, reading.timestamp, reading.value);
    builders_[static_cast<size_t>(series.partition)].add(series.encoded.key, value_, {}, IngestTime(0));
  }
  records_ += static_cast<int64_t>(readings.size());
  position_ = position;
  if (records_ >= options_.batch_records) return commit_now();
  return {};
}

Status ReplayPublisher::commit_soon() {
  {
    const std::lock_guard lock(mutex_);
    if (error_) return *error_;
    if (waiting_) return {};
  }
  return commit_now();
}

Status ReplayPublisher::commit_now() {
  if (records_ == 0) return {};
  Batch batch;
  batch.position = position_;
  for (size_t partition = 0; partition < builders_.size(); ++partition) {
    if (builders_[partition].empty()) continue;
    batch.transaction.appends.push_back(
        {{options_.topic, PartitionId(static_cast<int32_t>(partition))}, std::move(builders_[partition])});
    builders_[partition] = RecordBatchBuilder();
  }
  if (!options_.position_name.empty()) {
    put_replay_position(batch.transaction.state, options_.position_name, position_);
  }
  records_ = 0;

  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !waiting_ || error_; });
  if (error_) return *error_;
  waiting_ = std::move(batch);
  changed_.notify_all();
  return {};
}

Status ReplayPublisher::finish() {
  RETURN_IF_ERROR(commit_now());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return (!waiting_ && !busy_) || error_; });
  if (error_) return *error_;
  return {};
}

std::optional<ReplayPosition> ReplayPublisher::committed() const {
  const std::lock_guard lock(mutex_);
  return committed_;
}

void ReplayPublisher::commit_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return waiting_ || ended_; });
    if (!waiting_ || error_) return;
    Batch batch = std::move(*waiting_);
    waiting_.reset();
    busy_ = true;
    lock.unlock();
    changed_.notify_all();
    Status status = log_.commit(std::move(batch.transaction), Durability::kSync);
    lock.lock();
    busy_ = false;
    if (status) {
      committed_ = batch.position;
    } else {
      error_ = status.error();
    }
    changed_.notify_all();
    if (error_) return;
  }
}

}  // namespace meterstream
