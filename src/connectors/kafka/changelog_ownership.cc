#include "connectors/kafka/changelog_ownership.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace meterstream {

struct ChangelogOwnership::State {
  struct Place {
    uint64_t term = 0;
    bool is_held = false;
    bool is_written = false;  // by a write() that runs
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::map<TopicPartition, Place> places;
};

ChangelogOwnership::Hold::Hold(std::shared_ptr<State> state, TopicPartition partition)
    : state_(std::move(state)), partition_(std::move(partition)) {}

ChangelogOwnership::Hold& ChangelogOwnership::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  end();
  state_ = std::move(other.state_);
  partition_ = std::move(other.partition_);
  return *this;
}

void ChangelogOwnership::Hold::end() {
  const std::shared_ptr<State> state = std::exchange(state_, nullptr);
  if (state == nullptr) return;
  const std::scoped_lock lock(state->mutex);
  state->places[partition_].is_held = false;
  state->changed.notify_all();
}

ChangelogOwnership::ChangelogOwnership() : state_(std::make_shared<State>()) {}
ChangelogOwnership::~ChangelogOwnership() = default;

Result<ChangelogOwnership::Hold> ChangelogOwnership::acquire(const TopicPartition& partition, int64_t timeout_ms) {
  std::unique_lock lock(state_->mutex);
  State::Place& place = state_->places[partition];
  const auto is_free = [&place] { return !place.is_held && !place.is_written; };
  if (!state_->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), is_free))
    return unavailable(
        fmt::format("Kafka: another thread of this process still works on changelog {} partition {}; waiting for it",
                    partition.topic, partition.partition));
  place.is_held = true;
  ++place.term;
  return Hold(state_, partition);
}

std::optional<uint64_t> ChangelogOwnership::free_term(const TopicPartition& partition) const {
  const std::scoped_lock lock(state_->mutex);
  const State::Place& place = state_->places[partition];
  return place.is_held ? std::nullopt : std::optional(place.term);
}

Result<bool> ChangelogOwnership::write(const TopicPartition& partition, uint64_t term,
                                       const std::function<Status()>& write) {
  std::unique_lock lock(state_->mutex);
  State::Place& place = state_->places[partition];
  const auto is_over = [&] { return place.is_held || place.term != term; };
  state_->changed.wait(lock, [&] { return is_over() || !place.is_written; });
  if (is_over()) return false;
  place.is_written = true;
  lock.unlock();
  Status written = write();
  lock.lock();
  place.is_written = false;
  state_->changed.notify_all();
  RETURN_IF_ERROR(std::move(written));
  return true;
}

}  // namespace meterstream
