// Purpose: a log that copies the state of every commit into a second store, as a changelog topic would: puts and erases of single
//          keys, in the order of the commits, and nothing else.
// Thread-safety: none. Errors: those of the log; kInvalid for an erasure of a range, which a topic cannot carry.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "log/event_log.h"

namespace meterstream {

class MirroredLog final : public EventLog {
 public:
  MirroredLog(EventLog& log, KeyValueStore& mirror) : log_(log), mirror_(mirror) {}

  /// The largest value that a commit wrote, and how many puts and erases there were.
  [[nodiscard]] size_t largest_value() const { return largest_value_; }
  [[nodiscard]] int64_t operations() const { return operations_; }
  /// Commits from now on reach the log and not the mirror.
  void stop_mirroring() { mirrors_ = false; }

  Result<TopicDescription> create_topic(const TopicConfig& config) override { return log_.create_topic(config); }
  Result<TopicDescription> describe_topic(std::string_view topic) override { return log_.describe_topic(topic); }
  Result<std::vector<std::string>> topics() override { return log_.topics(); }
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override {
    return log_.read(source, from, max_bytes, out);
  }
  Result<OffsetRange> offsets(const TopicPartition& source) override { return log_.offsets(source); }
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override {
    return log_.await_data(source, from, timeout_ms);
  }
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override {
    return log_.position(group, source);
  }

  Status commit(Transaction&& transaction, Durability durability) override {
    WriteBatch copy;
    for (const WriteBatch::Operation& operation : transaction.state.operations()) {
      if (operation.kind == WriteBatch::Operation::Kind::kEraseRange) return invalid("a topic cannot erase a range");
      if (operation.kind == WriteBatch::Operation::Kind::kPut) {
        copy.put(operation.space, operation.key, operation.value);
        largest_value_ = std::max(largest_value_, operation.value.size());
      } else {
        copy.erase(operation.space, operation.key);
      }
      ++operations_;
    }
    RETURN_IF_ERROR(log_.commit(std::move(transaction), durability));
    return mirrors_ ? mirror_.write(copy, Durability::kBuffered) : Status();
  }

 private:
  EventLog& log_;
  KeyValueStore& mirror_;
  bool mirrors_ = true;
  size_t largest_value_ = 0;
  int64_t operations_ = 0;
};

}  // namespace meterstream
