// Purpose: who of one process writes the local copy of a changelog's partition: the worker whose task it is, or else the
//          standby. Two workers have it one after the other.
// Guarantee: between acquire() and the end of its hold nobody else gets the partition, and no write() runs. A write() runs
//            only if nobody has had the partition since its term began, so what it is based on is still true.
// Thread-safety: all methods may be called concurrently. A hold may end on any thread.
// Blocking: acquire() waits for a write() that runs, and for another holder.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "log/event_log.h"

namespace meterstream {

class ChangelogOwnership {
 private:
  struct State;

 public:
  /// Ends when it dies, which may be after the ChangelogOwnership.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept = default;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { end(); }
    void end();

   private:
    friend class ChangelogOwnership;
    Hold(std::shared_ptr<State> state, TopicPartition partition);
    std::shared_ptr<State> state_;
    TopicPartition partition_;
  };

  ChangelogOwnership();
  ~ChangelogOwnership();
  ChangelogOwnership(const ChangelogOwnership&) = delete;
  ChangelogOwnership& operator=(const ChangelogOwnership&) = delete;

  /// kUnavailable when another still has it after `timeout_ms`: try again.
  Result<Hold> acquire(const TopicPartition& partition, int64_t timeout_ms);
  /// Differs after each hold; nullopt while there is one.
  [[nodiscard]] std::optional<uint64_t> free_term(const TopicPartition& partition) const;
  /// False, without a call of `write`, when the term is over.
  Result<bool> write(const TopicPartition& partition, uint64_t term, const std::function<Status()>& write);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace meterstream
