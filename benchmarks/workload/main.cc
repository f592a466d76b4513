#include "apps/process_signals.h"
#include "base/allocator.h"
#include "benchmarks/workload/nexmark_command.h"
#include "benchmarks/workload/sensor_command.h"

// Fills topics with what the benchmarks of others are defined on.
int main(int argument_count, char** arguments) {
  using namespace meterstream;
  keep_large_buffers();
  set_process_signals();
  CommandList commands;
  commands.push_back(std::make_unique<NexmarkCommand>());
  commands.push_back(std::make_unique<SensorCommand>());
  return run_command_line(argument_count, arguments, commands);
}
