#include "stream/table_feed.h"

#include <fmt/format.h>

#include "stream/reading_decoder.h"
#include "stream/view_spec.h"

namespace meterstream {
namespace {

constexpr int64_t kRefreshNs = 10'000'000;
constexpr size_t kReadBytes = size_t{1} << 20;
constexpr int64_t kAwaitMs = 100;

DecodeRequest request_of(const TableSpec& spec) {
  DecodeRequest request;
  request.columns = spec.columns;
  request.needed.assign(spec.columns.size(), true);
  if (!spec.is_computed) {
    request.needed[spec.key_column] = false;
    request.absent_column = spec.key_column;
  }
  request.delimiter = spec.delimiter;
  request.takes_json_texts = spec.is_computed;
  return request;
}

}  // namespace

Result<TopicDescription> create_table_topic(const TableSpec& table, EventLog& log) {
  TopicConfig config{table.topic, table.partitions};
  config.is_compacted = !table.valid_from_column.has_value() && !table.is_computed;
  return log.create_topic(config);
}

TableFeed::TableFeed(const TableSpec& spec, EventLog& log, EventLog& follower, SchemaStore& schemas)
    : spec_(spec),
      log_(log),
      follower_(follower),
      decoder_(make_record_decoder(spec.format, schemas, request_of(spec))),
      table_(spec) {}

Status TableFeed::open() {
  if (!next_.empty()) return {};
  ASSIGN_OR_RETURN(const TopicDescription topic, log_.describe_topic(spec_.topic));
  std::vector<Offset> begin;
  for (int32_t partition = 0; partition < topic.config.partitions; ++partition) {
    ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets({spec_.topic, PartitionId(partition)}));
    begin.push_back(range.begin);
  }
  next_ = std::move(begin);
  return {};
}

Status TableFeed::load() {
  const std::scoped_lock lock(mutex_);
  RETURN_IF_ERROR(open());
  for (size_t partition = 0; partition < next_.size(); ++partition) {
    const TopicPartition source{spec_.topic, PartitionId(static_cast<int32_t>(partition))};
    ASSIGN_OR_RETURN(const OffsetRange range, log_.offsets(source));
    while (next_[partition] < range.end) {
      const Offset before = next_[partition];
      RETURN_IF_ERROR(read_on(log_, partition));
      if (next_[partition] > before) continue;
      ASSIGN_OR_RETURN(const bool has_data, log_.await_data(source, before, kAwaitMs));
      static_cast<void>(has_data);
    }
  }
  return {};
}

Status TableFeed::refresh(int64_t now_ns) {
  const int64_t last_ns = refreshed_ns_.load(std::memory_order_relaxed);
  if (last_ns != INT64_MIN && now_ns - last_ns < kRefreshNs) return {};
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return {};
  refreshed_ns_.store(now_ns, std::memory_order_relaxed);
  RETURN_IF_ERROR(open());
  return read_news();
}

Status TableFeed::read_news() {
  for (size_t partition = 0; partition < next_.size(); ++partition) {
    Offset before;
    do {
      before = next_[partition];
      RETURN_IF_ERROR(read_on(follower_, partition));
    } while (next_[partition] > before);
  }
  return {};
}

Status TableFeed::read_on(EventLog& log, size_t partition) {
  const TopicPartition source{spec_.topic, PartitionId(static_cast<int32_t>(partition))};
  RETURN_IF_ERROR(log.read(source, next_[partition], kReadBytes, records_));
  RETURN_IF_ERROR(decoder_->decode(records_.records, batch_));
  apply(partition);
  next_[partition] = std::max(next_[partition], records_.next);
  return {};
}

void TableFeed::fill_keys() {
  Column& keys = batch_.columns[spec_.key_column];
  keys.strings.clear();
  for (size_t row = 0; row < batch_.rows; ++row) keys.strings.push_back(records_.records[batch_.record_index[row]].key);
}

// In the order of the records: a row, a deletion or a record that is left out.
void TableFeed::apply(size_t partition) {
  if (!spec_.is_computed) fill_keys();
  size_t rejected = 0;
  uint32_t row = 0;
  if (records_.records.empty()) return;
  const auto lock = table_.lock();
  for (uint32_t index = 0; index < records_.records.size(); ++index) {
    const RecordView& record = records_.records[index];
    const bool has_row = row < batch_.rows && batch_.record_index[row] == index;
    if (!record.has_key()) {
      note_fault(partition, record, "it has no key");
    } else if (record.is_tombstone()) {
      table_.erase(record.key);
    } else if (has_row) {
      // The result of a group without a key has the key of an empty text; nothing finds it.
      const bool is_keyless = spec_.is_computed && batch_.columns[spec_.key_column].is_null(row);
      if (!is_keyless) apply(record, row);
    } else {
      while (rejected < batch_.rejected.size() && batch_.rejected[rejected].record_index < index) ++rejected;
      const bool is_told = rejected < batch_.rejected.size() && batch_.rejected[rejected].record_index == index;
      note_fault(partition, record, is_told ? std::string_view(batch_.rejected[rejected].reason) : "it cannot be read");
    }
    if (has_row) ++row;
  }
}

void TableFeed::apply(const RecordView& record, uint32_t row) {
  int64_t valid_from_ms = INT64_MIN;
  if (spec_.valid_from_column) {
    // Without a time it is valid from its arrival on.
    const Column& times = batch_.columns[*spec_.valid_from_column];
    valid_from_ms = times.is_null(row) ? record.ingest_time.value : times.integers[row];
  }
  table_.put(record.key, valid_from_ms, batch_.columns, row);
}

void TableFeed::note_fault(size_t partition, const RecordView& record, std::string_view reason) {
  ++faults_.records;
  faults_.latest = fmt::format("topic {} partition {} offset {}: {}", spec_.topic, partition, record.offset, reason);
}

TableFeed::Faults TableFeed::faults() const {
  const std::scoped_lock lock(mutex_);
  return faults_;
}

std::shared_ptr<TableFeed> TableFeeds::feed(const TableSpec& spec) {
  const std::string key = definition_of(spec);
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<TableFeed>& feed = feeds_[key];
  if (feed == nullptr) feed = std::make_shared<TableFeed>(spec, log_, follower_, schemas_);
  return feed;
}

std::vector<std::shared_ptr<TableFeed>> TableFeeds::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<TableFeed>> all;
  all.reserve(feeds_.size());
  for (const auto& [key, feed] : feeds_) all.push_back(feed);
  return all;
}

void TableFeeds::forget(std::string_view topic) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(feeds_, [&](const auto& feed) { return feed.second->spec().topic == topic; });
}

}  // namespace meterstream
