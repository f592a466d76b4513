#include "apps/lake_command.h"
#include "apps/store_sinks.h"

namespace meterstream {
namespace {

Error no_lake() {
  return invalid("this build has no lake; configure it with -DMETERSTREAM_LAKE=ON");
}

}  // namespace

Result<std::unique_ptr<SinkWriter>> lake_sink_writer(const SinkSpec& sink, PartitionId /*partition*/,
                                                     const SinkSurroundings& /*around*/) {
  return no_lake().within("sink " + sink.name);
}

std::string LakeCommand::examples() const {
  return "meterstream lake ls";
}

void LakeCommand::declare(CLI::App& /*app*/) {}

Result<ExitCode> LakeCommand::run(const CommandContext& /*context*/) {
  return no_lake();
}

}  // namespace meterstream
