// Purpose: `workload nexmark`: persons, auctions and bids into topics nexmark-person, nexmark-auction and nexmark-bid.
// Thread-safety: none.
// Errors: those of Backbone and TopicWriter.
#pragma once

#include "apps/command_line.h"
#include "benchmarks/workload/nexmark_events.h"

namespace meterstream {

class NexmarkCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "nexmark"; }
  [[nodiscard]] std::string summary() const override { return "persons, auctions and bids of Nexmark, as JSON"; }
  [[nodiscard]] std::string examples() const override { return "workload --data-dir data nexmark --events 1000000"; }
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  NexmarkOptions options_;
  int32_t partitions_ = 4;
  std::string files_;
};

}  // namespace meterstream
