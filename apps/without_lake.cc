#include "apps/lake_command.h"
#include "apps/store_sinks.h"

namespace meterstream {

Result<std::unique_ptr<SinkWriter>> lake_sink_writer(const SinkSpec& sink, PartitionId /*partition*/,
                                                     const SinkSurroundings& /*around*/) {
  return invalid("sink " + sink.name + ": this build has no lake; configure it with -DMETERSTREAM_LAKE=ON");
}

std::string LakeCommand::examples() const {
  return "meterstream lake ls";
}

void LakeCommand::declare(CLI::App& /*app*/) {}

Result<ExitCode> LakeCommand::run(const CommandContext& /*context*/) {
  return invalid("this build has no lake; configure it with -DMETERSTREAM_LAKE=ON");
}

}  // namespace meterstream
