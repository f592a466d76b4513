#include "server/topic_rows.h"

#include <algorithm>
#include <utility>

#include "metering/timestamp.h"
#include "server/row_evaluation.h"
#include "stream/projected_row_writer.h"
#include "stream/reading_decoder.h"

namespace meterstream {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr int64_t kAwaitMs = 10;

}  // namespace

Result<TopicCursor> TopicCursor::open(EventLog& log, const std::string& topic, TopicRange range) {
  ASSIGN_OR_RETURN(const TopicDescription description, log.describe_topic(topic));
  TopicCursor cursor(log, topic, range.follows);
  for (int32_t partition = 0; partition < description.config.partitions; ++partition) {
    ASSIGN_OR_RETURN(const OffsetRange there, log.offsets({topic, PartitionId(partition)}));
    cursor.next_.push_back(range.from_beginning ? there.begin : there.end);
    cursor.end_.push_back(there.end);
  }
  return cursor;
}

bool TopicCursor::at_end() const {
  if (follows_) return false;
  for (size_t partition = 0; partition < next_.size(); ++partition) {
    if (next_[partition] < end_[partition]) return false;
  }
  return true;
}

Result<bool> TopicCursor::read(RecordSet& records, PartitionId& partition) {
  for (size_t tried = 0; tried < next_.size(); ++tried) {
    const size_t number = turn_++ % next_.size();
    if (!follows_ && next_[number] >= end_[number]) continue;
    partition = PartitionId(static_cast<int32_t>(number));
    RETURN_IF_ERROR(log_->read({topic_, partition}, next_[number], kReadBytes, records));
    next_[number] = std::max(next_[number], records.next);
    if (!follows_)
      std::erase_if(records.records, [&](const RecordView& record) { return record.offset >= end_[number]; });
    if (!records.records.empty()) return true;
  }
  if (next_.empty() || at_end()) return false;
  const size_t watched = turn_++ % next_.size();
  RETURN_IF_ERROR(log_->await_data({topic_, PartitionId(static_cast<int32_t>(watched))}, next_[watched], kAwaitMs));
  return false;
}

Result<bool> TopicRows::next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (running_->is_closed) return false;
    size_t count = std::min(most, waiting_.size() - taken_);
    if (limit_) count = std::min<size_t>(count, static_cast<size_t>(*limit_ - given_));
    for (size_t index = 0; index < count; ++index) rows.push_back(std::move(waiting_[taken_++]));
    given_ += static_cast<int64_t>(count);
    if (limit_ && given_ >= *limit_) return false;
    if (count > 0 || most == 0) return true;
    waiting_.clear();
    taken_ = 0;
    PartitionId partition;
    ASSIGN_OR_RETURN(const bool has_records, cursor_.read(records_, partition));
    if (has_records) RETURN_IF_ERROR(convert(records_, partition, waiting_));
    if (!waiting_.empty()) continue;
    if (cursor_.at_end()) return false;
    if (std::chrono::steady_clock::now() >= deadline) return true;
  }
}

namespace {

class SelectedRows final : public TopicRows {
 public:
  SelectedRows(std::shared_ptr<RunningQuery> running, TopicCursor cursor, BoundQuery query, SchemaStore& schemas)
      : TopicRows(std::move(running), std::move(cursor), columns_of(query), query.emits_changes, query.limit),
        query_(std::move(query)),
        decoder_(make_record_decoder(query_.source->format, schemas, decode_request(*query_.source, query_.needed))) {}

 private:
  Status convert(const RecordSet& records, PartitionId, std::vector<QueryRow>& rows) override {
    RETURN_IF_ERROR(decoder_->decode(records.records, batch_));
    add_keys(*query_.source, records.records, batch_);
    append_rows(query_, batch_, rows);
    return {};
  }

  BoundQuery query_;
  std::unique_ptr<RecordDecoder> decoder_;
  ColumnBatch batch_;
};

class PrintedRows final : public TopicRows {
 public:
  PrintedRows(std::shared_ptr<RunningQuery> running, TopicCursor cursor, const ast::PrintTopic& print,
              std::shared_ptr<const QuerySource> reading, SchemaStore& schemas)
      : TopicRows(std::move(running), std::move(cursor),
                  {{"rowtime", "TIMESTAMP"},
                   {"key", "VARCHAR"},
                   {"value", "VARCHAR"},
                   {"partition", "BIGINT"},
                   {"offset", "BIGINT"}},
                  true, print.limit),
        interval_(print.interval),
        reading_(std::move(reading)) {
    if (reading_ == nullptr) return;
    decoder_ = make_record_decoder(reading_->format, schemas,
                                   decode_request(*reading_, std::vector<bool>(reading_->columns.size(), true)));
    std::vector<ProjectedColumn> columns;
    for (const ColumnSchema& column : reading_->columns) columns.push_back({column.name, nullptr});
    writer_ = std::make_unique<ProjectedRowWriter>(columns);
  }

 private:
  Status convert(const RecordSet& records, PartitionId partition, std::vector<QueryRow>& rows) override {
    if (decoder_ != nullptr) {
      RETURN_IF_ERROR(decoder_->decode(records.records, batch_));
      add_keys(*reading_, records.records, batch_);
    }
    uint32_t row = 0;
    std::vector<const meterstream::Column*> columns;
    columns.reserve(batch_.columns.size());
    for (const meterstream::Column& column : batch_.columns) columns.push_back(&column);
    for (uint32_t index = 0; index < records.records.size(); ++index) {
      const RecordView& record = records.records[index];
      const bool is_read = decoder_ != nullptr && row < batch_.rows && batch_.record_index[row] == index;
      if (seen_++ % interval_ == 0) {
        QueryValue key = record.has_key() ? QueryValue(std::string(record.key)) : QueryValue();
        QueryValue value = record.is_tombstone() ? QueryValue() : QueryValue(std::string(record.value));
        if (is_read) value = std::string(writer_->write(columns, row));
        rows.push_back({format_timestamp(EventTime(record.ingest_time.value)), std::move(key), std::move(value),
                        int64_t{partition.value}, record.offset.value});
      }
      if (is_read) ++row;
    }
    return {};
  }

  int64_t interval_;
  int64_t seen_ = 0;
  std::shared_ptr<const QuerySource> reading_;
  std::unique_ptr<RecordDecoder> decoder_;
  std::unique_ptr<ProjectedRowWriter> writer_;
  ColumnBatch batch_;
};

}  // namespace

Result<std::unique_ptr<QueryRows>> select_rows(BoundQuery query, TopicRange range,
                                               std::shared_ptr<RunningQuery> running, EventLog& log,
                                               SchemaStore& schemas) {
  ASSIGN_OR_RETURN(TopicCursor cursor, TopicCursor::open(log, query.source->topic, range));
  return std::unique_ptr<QueryRows>(
      std::make_unique<SelectedRows>(std::move(running), std::move(cursor), std::move(query), schemas));
}

Result<std::unique_ptr<QueryRows>> print_rows(const ast::PrintTopic& print, std::shared_ptr<const QuerySource> reading,
                                              std::shared_ptr<RunningQuery> running, EventLog& log,
                                              SchemaStore& schemas) {
  ASSIGN_OR_RETURN(TopicCursor cursor, TopicCursor::open(log, print.topic, {print.from_beginning, true}));
  return std::unique_ptr<QueryRows>(
      std::make_unique<PrintedRows>(std::move(running), std::move(cursor), print, std::move(reading), schemas));
}

}  // namespace meterstream
