#include "server/statement_log.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "metering/json_decoder.h"
#include "metering/json_encoder.h"
#include "stream/transaction_builder.h"

namespace meterstream {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr int64_t kAwaitMs = 100;
constexpr int64_t kVersion = 1;

JsonRecordDecoder statement_decoder() {
  return JsonRecordDecoder({{{"statement", ColumnType::kVarchar},
                             {"version", ColumnType::kBigint},
                             {"id", ColumnType::kVarchar},
                             {"deleted", ColumnType::kBigint}},
                            {true, true, true, true},
                            {}});
}

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

StatementLog::Entry entry_of(const ColumnBatch& batch, size_t row, int64_t sequence) {
  StatementLog::Entry entry{.sequence = sequence};
  const bool is_statement = !batch.columns[0].is_null(row);
  const bool is_mark = !batch.columns[3].is_null(row);
  if (is_statement == is_mark || batch.columns[1].is_null(row) || batch.columns[1].integers[row] > kVersion) {
    entry.error = "this is no statement that this program knows; it may be of a newer one";
    return entry;
  }
  if (is_statement) entry.statement = batch.columns[0].strings[row];
  if (is_mark) entry.deleted = batch.columns[3].integers[row];
  if (!batch.columns[2].is_null(row)) entry.id = batch.columns[2].strings[row];
  return entry;
}

}  // namespace

Result<StatementLog> StatementLog::open(EventLog& log, std::string topic) {
  ASSIGN_OR_RETURN(const TopicDescription description, log.create_topic({topic, 1}));
  if (description.config.partitions != 1) {
    return conflict(fmt::format(
        "topic {} has {} partitions; statements need one, so that they have an order. Give another service id", topic,
        description.config.partitions));
  }
  StatementLog made(log, std::move(topic));
  ASSIGN_OR_RETURN(const OffsetRange range, log.offsets({made.topic_, PartitionId(0)}));
  made.next_ = range.begin;
  return made;
}

Result<std::vector<StatementLog::Entry>> StatementLog::read_on() {
  const TopicPartition source{topic_, PartitionId(0)};
  ASSIGN_OR_RETURN(const OffsetRange range, log_->offsets(source));
  JsonRecordDecoder decoder = statement_decoder();
  std::vector<Entry> entries;
  RecordSet records;
  ColumnBatch batch;
  Offset next = next_;
  while (next < range.end) {
    RETURN_IF_ERROR(log_->read(source, next, kReadBytes, records));
    RETURN_IF_ERROR(decoder.decode(records.records, batch));
    for (size_t row = 0; row < batch.rows; ++row)
      entries.push_back(entry_of(batch, row, records.records[batch.record_index[row]].offset.value));
    for (const RejectedRecord& rejected : batch.rejected) {
      entries.push_back({.sequence = records.records[rejected.record_index].offset.value,
                         .error = fmt::format("this is no statement: {}", rejected.reason)});
    }
    if (records.next > next) {
      next = records.next;
      continue;
    }
    ASSIGN_OR_RETURN(const bool has_data, log_->await_data(source, next, kAwaitMs));
    static_cast<void>(has_data);
  }
  std::ranges::sort(entries, {}, &Entry::sequence);
  // After an error the next call gives them all.
  next_ = next;
  return entries;
}

Result<std::string> StatementLog::append(std::string_view statement) {
  std::string id = random_id();
  std::string value = json_member("statement", true);
  append_json_string(value, statement);
  value += json_member("id", false);
  append_json_string(value, id);
  value += json_member("version", false);
  append_json_number(value, kVersion);
  value += '}';
  // What cannot be read back would stop everybody.
  JsonRecordDecoder decoder = statement_decoder();
  ColumnBatch batch;
  RecordView record;
  record.value = value;
  RETURN_IF_ERROR(decoder.decode(std::span(&record, 1), batch));
  if (batch.rows != 1 || batch.columns[0].strings[0] != statement)
    return invalid("the statement is no text in UTF-8; save the file as UTF-8");
  RETURN_IF_ERROR(write(value));
  return id;
}

Status StatementLog::append_deleted(int64_t sequence) {
  std::string value = json_member("deleted", true);
  append_json_number(value, sequence);
  value += json_member("version", false);
  append_json_number(value, kVersion);
  value += '}';
  return write(value);
}

Status StatementLog::write(std::string_view value) {
  TransactionBuilder output;
  output.add(output.topic(topic_), PartitionId(0), {}, value, {}, IngestTime(0));
  Transaction transaction;
  output.move_into(transaction);
  return log_->commit(std::move(transaction), Durability::kSync);
}

Result<bool> StatementLog::await(int64_t timeout_ms) {
  return log_->await_data({topic_, PartitionId(0)}, next_, timeout_ms);
}

}  // namespace meterstream
