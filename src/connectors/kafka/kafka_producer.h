// Purpose: writes one Kafka transaction at a time: records of any partitions and the offsets of consumer groups.
// Guarantee: all or nothing for readers of committed records. A producer that opens with the same transactional id
//            fences this one; a member that lost its place in the group cannot commit its offsets.
// Thread-safety: commits queue behind each other. Each blocks until the cluster has answered.
// Errors of commit: kUnavailable (nothing was written when is_usable() is still true: try again; otherwise the outcome
//         is unknown: make a new producer, which settles it, and read the position), kConflict (fenced: drop the task),
//         kInvalid (record too large, no permission), kNotFound (topic deleted).
// Source: KIP-98 transactions, KIP-447 group metadata.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "connectors/kafka/kafka_settings.h"
#include "connectors/kafka/kafka_writer.h"

namespace meterstream {

class KafkaProducer final : public KafkaWriter {
 public:
  /// Waits until earlier transactions of the same id are settled; fences their producers. `transactional_id` is one
  /// for each thread that commits, for example "<application>-<host>-<process>-<thread>".
  static Result<std::unique_ptr<KafkaProducer>> open(const KafkaSettings& settings, std::string transactional_id);
  ~KafkaProducer() override;

  Status commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) override;
  [[nodiscard]] bool is_usable() const override;
  [[nodiscard]] bool is_atomic() const override { return true; }
  [[nodiscard]] const std::string& transactional_id() const;

 private:
  struct State;
  explicit KafkaProducer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace meterstream
