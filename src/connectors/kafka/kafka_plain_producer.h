// Purpose: makes commits durable without transactions, one step after the other: records; then those that follow others
//          (a changelog); then the offsets of the group, by its member.
// Guarantee: at least once. Each step begins when all copies in sync have the one before. A commit that fails half-way has
//            left records, but never a later step without the earlier ones. A member that lost its place cannot commit
//            offsets (kConflict); its records are there nevertheless.
// Non-guarantee: all or nothing; that a record is written only once when a commit is tried again.
// Thread-safety, errors: those of KafkaWriter. Offsets without a member are kInvalid.
#pragma once

#include <memory>

#include "connectors/kafka/kafka_settings.h"
#include "connectors/kafka/kafka_writer.h"

namespace meterstream {

class KafkaPlainProducer final : public KafkaWriter {
 public:
  /// Does not wait for the cluster.
  static Result<std::unique_ptr<KafkaPlainProducer>> open(const KafkaSettings& settings);
  ~KafkaPlainProducer() override;

  Status commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) override;
  [[nodiscard]] bool is_usable() const override;
  [[nodiscard]] bool is_atomic() const override { return false; }

 private:
  struct State;
  explicit KafkaPlainProducer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace meterstream
