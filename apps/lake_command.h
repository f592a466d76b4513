// Purpose: `lake ls|verify|compact`: what the lake holds, whether it is whole, and fewer, larger objects.
#pragma once

#include <string>

#include "apps/command_line.h"
#include "connectors/lake/lake_store.h"

namespace meterstream {

struct LakeOptions {
  std::string action;
  std::string uri;
  std::string endpoint;
  std::string region;
  /// Of compact.
  std::string target;
  std::string min_age;
};

class LakeCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "lake"; }
  [[nodiscard]] std::string summary() const override {
    return "List the Parquet lake, prove that it is whole, or merge its small objects";
  }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  /// verify: kCorrupt when there is a fault.
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  static Error no_lake_in(LakeStore& store);
  Result<ExitCode> list(LakeStore& store, const CommandContext& context) const;
  Result<ExitCode> verify(LakeStore& store, const CommandContext& context) const;
  Result<ExitCode> compact(LakeStore& store, const CommandContext& context) const;

  LakeOptions options_;
};

}  // namespace meterstream
