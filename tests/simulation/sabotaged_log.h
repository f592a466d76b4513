// Purpose: a log that breaks one promise once or always, to prove that the simulation would notice an engine that did.
// Thread-safety: none.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "log/forwarding_log.h"

namespace meterstream {

enum class Sabotage : uint8_t {
  kNone,
  kDropResult,       ///< one result record is not written
  kDuplicateResult,  ///< one result record is written twice
  kAlterResult,      ///< one result record is written with another value
  kDropLate,         ///< one late record is not written
  kDropRejected,     ///< one rejected record is not written
  kDropReading,      ///< one acknowledged reading is not written
  kOutputFirst,      ///< always: output in one commit, position and state in a second one
  kPositionFirst,    ///< always: position and state in one commit, output in a second one
  kDropRow,          ///< one result is kept from its sink
  kDropState,        ///< one write of a pass's window state is left out
};

class SabotagedLog final : public ForwardingLog {
 public:
  /// `done` counts the acts of sabotage; those that happen once happen while it is 0.
  SabotagedLog(EventLog& log, Sabotage sabotage, int& done) : ForwardingLog(log), sabotage_(sabotage), done_(done) {}

  Status commit(Transaction&& transaction, Durability durability) override {
    if (sabotage_ == Sabotage::kOutputFirst || sabotage_ == Sabotage::kPositionFirst) {
      return commit_in_two(std::move(transaction), durability);
    }
    if (done_ == 0 && sabotage_ == Sabotage::kDropState) drop_write(transaction);
    for (size_t i = 0; done_ == 0 && i < transaction.appends.size(); ++i) {
      if (!concerns(transaction.appends[i].target.topic)) continue;
      transaction.appends[i].records = spoiled(transaction.appends[i].records);
      ++done_;
      if (transaction.appends[i].records.empty()) {
        transaction.appends.erase(transaction.appends.begin() + static_cast<ptrdiff_t>(i));
      }
    }
    return inner().commit(std::move(transaction), durability);
  }

  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override {
    RETURN_IF_ERROR(inner().read(source, from, max_bytes, out));
    // The tasks read results for sinks only; others read without this log.
    if (sabotage_ != Sabotage::kDropRow || done_ != 0 || out.records.empty()) return {};
    if (!source.topic.starts_with("metrics-aggregates-")) return {};
    out.records.erase(out.records.begin());
    ++done_;
    return {};
  }

 private:
  [[nodiscard]] bool concerns(const std::string& topic) const {
    const bool late = topic.ends_with("-late");
    switch (sabotage_) {
      case Sabotage::kDropResult:
      case Sabotage::kDuplicateResult:
      case Sabotage::kAlterResult:
        return topic.starts_with("metrics-aggregates-") && !late;
      case Sabotage::kDropLate:
        return late;
      case Sabotage::kDropRejected:
        return topic == "metrics-rejected";
      case Sabotage::kDropReading:
        return topic == "metrics";
      default:
        return false;
    }
  }

  // The first record is the one that suffers.
  [[nodiscard]] RecordBatchBuilder spoiled(RecordBatchBuilder& original) const {
    const std::string bytes = original.finish(Offset(0), IngestTime(1));
    std::vector<RecordView> records;
    const Status parsed = parse_record_batch(bytes, Offset(0), records);
    RecordBatchBuilder builder;
    for (size_t i = 0; parsed && i < records.size(); ++i) {
      const RecordView& record = records[i];
      std::string value(record.value);
      if (i == 0 && sabotage_ == Sabotage::kAlterResult) {
        const size_t digit = value.find("\"sampleCount\":") + 14;
        value[digit] = value[digit] == '9' ? '8' : '9';
      }
      const bool dropped = i == 0 && sabotage_ != Sabotage::kDuplicateResult && sabotage_ != Sabotage::kAlterResult;
      if (dropped) continue;
      const std::string_view stored = record.is_tombstone() ? record.value : std::string_view(value);
      builder.add(record.key, stored, record.headers, record.ingest_time);
      if (i == 0 && sabotage_ == Sabotage::kDuplicateResult) {
        builder.add(record.key, stored, record.headers, record.ingest_time);
      }
    }
    return builder;
  }

  [[nodiscard]] bool concerns(const WriteBatch::Operation& operation) const {
    // A block of a window: table, 'b', start and block follow.
    const size_t place = operation.key.rfind("/w");
    return operation.key.starts_with("windows/") && operation.kind == WriteBatch::Operation::Kind::kPut &&
           place != std::string::npos && place + 19 == operation.key.size() && operation.key[place + 6] == 'b';
  }

  void drop_write(Transaction& transaction) {
    WriteBatch kept;
    for (const WriteBatch::Operation& operation : transaction.state.operations()) {
      if (done_ == 0 && concerns(operation)) {
        ++done_;
        continue;
      }
      if (operation.kind == WriteBatch::Operation::Kind::kPut) {
        kept.put(operation.space, operation.key, operation.value);
      } else {
        kept.erase(operation.space, operation.key);
      }
    }
    transaction.state = std::move(kept);
  }

  Status commit_in_two(Transaction&& transaction, Durability durability) {
    if (transaction.positions.empty() || transaction.appends.empty()) {
      return inner().commit(std::move(transaction), durability);
    }
    ++done_;
    Transaction output;
    output.appends = std::move(transaction.appends);
    transaction.appends.clear();
    Transaction* first = sabotage_ == Sabotage::kOutputFirst ? &output : &transaction;
    Transaction* second = first == &output ? &transaction : &output;
    RETURN_IF_ERROR(inner().commit(std::move(*first), durability));
    return inner().commit(std::move(*second), durability);
  }

  Sabotage sabotage_;
  int& done_;
};

}  // namespace meterstream
