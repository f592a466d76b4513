#include "connectors/kafka/kafka_commit_pipeline.h"

#include <chrono>
#include <utility>

#include "base/check.h"

namespace meterstream {

KafkaCommitPipeline::KafkaCommitPipeline(KafkaTopics& topics, int64_t visible_within_ms)
    : topics_(topics), visible_within_ms_(visible_within_ms) {}

KafkaCommitPipeline::~KafkaCommitPipeline() {
  if (under_way_.valid()) under_way_.wait();
}

void KafkaCommitPipeline::begin(std::shared_ptr<KafkaWriter> writer) {
  CHECK(!is_under_way() && !has_failed_);
  if (!is_waiting()) return;
  current_ = std::make_unique<KafkaCommit>(std::exchange(next_, {}));
  under_way_ = std::async(std::launch::async, [this, writer = std::move(writer), commit = current_.get()] {
    return commit->write(*writer, topics_, visible_within_ms_);
  });
}

bool KafkaCommitPipeline::is_answered() const {
  return !under_way_.valid() || under_way_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

Status KafkaCommitPipeline::settle() {
  if (has_failed_)
    return conflict("Kafka: an earlier commit of this worker failed; going on from the last one that did not");
  if (!under_way_.valid()) return {};
  const std::unique_ptr<KafkaCommit> commit = std::move(current_);
  Status settled = under_way_.get();
  if (settled) settled = commit->apply();
  has_failed_ = !settled;
  return settled;
}

void KafkaCommitPipeline::reset() {
  has_failed_ = false;
  next_ = {};
}

}  // namespace meterstream
