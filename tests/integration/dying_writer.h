// Purpose: a writer without transactions that stops where a test wants it, as a process that is killed there.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "connectors/kafka/kafka_plain_producer.h"

namespace meterstream {

class DyingWriter final : public KafkaWriter {
 public:
  enum class Moment { kNever, kAfterResults, kInChangelog, kBeforeOffsets };
  explicit DyingWriter(std::unique_ptr<KafkaPlainProducer> inner) : inner_(std::move(inner)) {}

  Status commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) override {
    if (moment == Moment::kNever) return inner_->commit(appends, groups);
    std::vector<KafkaAppend> kept;
    for (KafkaAppend& append : appends) {
      if (append.follows_others && moment == Moment::kAfterResults) continue;
      kept.push_back(append);
      if (append.follows_others && moment == Moment::kInChangelog)
        kept.back().records = append.records.first(append.records.size() / 2);
    }
    RETURN_IF_ERROR(inner_->commit(kept, {}));
    return unavailable("killed");
  }
  [[nodiscard]] bool is_usable() const override { return inner_->is_usable(); }
  [[nodiscard]] bool is_atomic() const override { return false; }

  Moment moment = Moment::kNever;

 private:
  std::unique_ptr<KafkaPlainProducer> inner_;
};

}  // namespace meterstream
