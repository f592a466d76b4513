// Purpose: `workload sensors`: power readings of many sensors into topic metrics, as Avro, and the groups of the sensors into
//          topic sensor-groups, as JSON: ten sensors or groups in each group, in three levels, the third of one group.
// Shape: each sensor reports once a period, at a phase of its own. Halfway every twentieth sensor moves to the next group.
// Units: times in ms; values in watts, with one decimal.
// Thread-safety: none.
// Errors: those of Backbone and TopicWriter.
#pragma once

#include "apps/command_line.h"

namespace meterstream {

class TopicWriter;

class SensorCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "sensors"; }
  [[nodiscard]] std::string summary() const override {
    return "readings of sensors in groups, as Theodolite's meters send them";
  }
  [[nodiscard]] std::string examples() const override {
    return "workload --data-dir data sensors --sensors 1000 --rounds 600";
  }
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  Status write_groups(TopicWriter& writer, size_t topic) const;
  Status write_readings(TopicWriter& writer, size_t topic, SchemaId schema) const;

  int64_t sensors_ = 1'000;
  int64_t rounds_ = 600;
  int64_t period_ms_ = 1'000;
  uint64_t seed_ = 1;
  int32_t partitions_ = 4;
  std::string topic_ = "metrics";
  std::string files_;
};

}  // namespace meterstream
