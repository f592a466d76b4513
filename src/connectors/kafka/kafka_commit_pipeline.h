// Purpose: makes the commits of a worker's logs beside its thread, one at a time: the worker goes on with the next records
//          while the cluster answers.
// Guarantee: what was added together is committed together; the next commit begins only after the last one is settled.
// Thread-safety: one thread's.
// Ownership: the writer is kept while a commit uses it. `topics` must outlive the pipeline.
// Errors: settle() tells how a commit failed, and from then on kConflict until reset(): none of the tasks that took part, nor
//         any that went on since, may commit again; make them anew from the last commit.
#pragma once

#include <cstdint>
#include <future>
#include <memory>

#include "connectors/kafka/kafka_commit.h"

namespace meterstream {

class KafkaCommitPipeline {
 public:
  /// As KafkaCommit::write() has it.
  KafkaCommitPipeline(KafkaTopics& topics, int64_t visible_within_ms);
  /// Waits for the commit under way, and leaves its mirrors as they are.
  ~KafkaCommitPipeline();
  KafkaCommitPipeline(const KafkaCommitPipeline&) = delete;
  KafkaCommitPipeline& operator=(const KafkaCommitPipeline&) = delete;

  /// For the next commit. Prepare the part only after settle().
  void add(KafkaCommitPart part) { next_.add(std::move(part)); }
  [[nodiscard]] bool is_waiting() const { return !next_.is_empty(); }

  /// Begins the next commit; nothing when nothing was added. The last one must be settled.
  void begin(std::shared_ptr<KafkaWriter> writer);
  [[nodiscard]] bool is_under_way() const { return under_way_.valid(); }
  /// Whether settle() would not block.
  [[nodiscard]] bool is_answered() const;
  /// Waits for the commit under way and applies it; nothing when there is none.
  Status settle();

  [[nodiscard]] bool has_failed() const { return has_failed_; }
  /// After a failure: what was added for the next commit is dropped.
  void reset();

 private:
  KafkaTopics& topics_;
  int64_t visible_within_ms_;
  KafkaCommit next_;
  std::unique_ptr<KafkaCommit> current_;
  std::future<Status> under_way_;
  bool has_failed_ = false;
};

}  // namespace meterstream
