// Purpose: moves readings from a source to a topic: at a rate, up to a count, until told to stop, going on where it was.
// Guarantee: what is committed and the stored position agree, whatever ends the run.
// Thread-safety: none; commits run on the publisher's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "apps/replay_publisher.h"
#include "apps/replay_source.h"
#include "apps/token_bucket.h"
#include "base/clock.h"

namespace meterstream {

struct ReplayRunOptions {
  /// Readings a second; 0 without limit.
  int64_t rate = 0;
  /// Readings in all, those before a resume included; nothing for all there are.
  std::optional<int64_t> count;
  int64_t commit_interval_ms = 100;
  /// Where an earlier run ended.
  ReplayPosition resume_at;
};

class ReplayRun {
 public:
  /// All must outlive it. `stop` ends the run at the next reading; what is published by then is committed.
  ReplayRun(ReplaySource& source, ReplayPublisher& publisher, const Clock& clock, const std::atomic<bool>& stop,
            ReplayRunOptions options);

  /// Runs to the end. `report` is called often, with the readings so far and the share of the job (negative: unknown).
  Status run(const std::function<void(int64_t readings, double share)>& report);
  [[nodiscard]] const ReplayPosition& position() const { return position_; }
  /// Whether all wanted readings are there.
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  Status publish_chunk(std::span<const IndexedReading> readings);
  Status commit_when_due(int64_t now_ns);
  [[nodiscard]] bool has_enough() const { return options_.count && position_.readings >= *options_.count; }
  [[nodiscard]] double share() const;

  ReplaySource& source_;
  ReplayPublisher& publisher_;
  const Clock& clock_;
  const std::atomic<bool>& stop_;
  ReplayRunOptions options_;
  TokenBucket bucket_;
  ReplayPosition position_;
  int64_t committed_ns_;
  bool complete_ = false;
};

}  // namespace meterstream
