// Purpose: a log that copies the state of every commit into a second store, as a changelog topic would: puts and erases of single
//          keys, in the order of the commits, and nothing else.
// Thread-safety: none. Errors: those of the log; kInvalid for an erasure of a range, which a topic cannot carry.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "log/forwarding_log.h"

namespace meterstream {

class MirroredLog final : public ForwardingLog {
 public:
  MirroredLog(EventLog& log, KeyValueStore& mirror) : ForwardingLog(log), mirror_(mirror) {}

  /// The largest value that a commit wrote, and how many puts and erases there were.
  [[nodiscard]] size_t largest_value() const { return largest_value_; }
  [[nodiscard]] int64_t operations() const { return operations_; }
  /// Commits from now on reach the log and not the mirror.
  void stop_mirroring() { mirrors_ = false; }

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
    RETURN_IF_ERROR(inner().commit(std::move(transaction), durability));
    return mirrors_ ? mirror_.write(copy, Durability::kBuffered) : Status();
  }

 private:
  KeyValueStore& mirror_;
  bool mirrors_ = true;
  size_t largest_value_ = 0;
  int64_t operations_ = 0;
};

}  // namespace meterstream
