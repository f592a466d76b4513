#include "apps/command_line.h"
#include "apps/console_command.h"
#include "apps/demo_command.h"
#include "apps/doctor_command.h"
#include "apps/lake_command.h"
#include "apps/process_signals.h"
#include "apps/query_command.h"
#include "apps/replay_command.h"
#include "apps/run_command.h"
#include "apps/schema_command.h"
#include "apps/server_command.h"
#include "apps/sink_command.h"
#include "apps/sql_command.h"
#include "apps/topics_command.h"
#include "apps/track_command.h"
#include "base/allocator.h"

// The program's commands, in the order of --help. A new one is added here by hand.
int main(int argument_count, char** arguments) {
  using namespace meterstream;
  keep_large_buffers();
  set_process_signals();
  CommandList commands;
  commands.push_back(std::make_unique<DemoCommand>());
  commands.push_back(std::make_unique<ReplayCommand>());
  commands.push_back(std::make_unique<RunCommand>());
  commands.push_back(std::make_unique<SqlCommand>());
  commands.push_back(std::make_unique<ServerCommand>());
  commands.push_back(std::make_unique<AggregateCommand>());
  commands.push_back(std::make_unique<StoreCommand>());
  commands.push_back(std::make_unique<SinkCommand>());
  commands.push_back(std::make_unique<LakeCommand>());
  commands.push_back(std::make_unique<SchemaCommand>());
  commands.push_back(std::make_unique<ConsoleCommand>());
  commands.push_back(std::make_unique<TrackCommand>());
  commands.push_back(std::make_unique<TopicsCommand>());
  commands.push_back(std::make_unique<DescribeCommand>());
  commands.push_back(std::make_unique<QueryCommand>());
  commands.push_back(std::make_unique<DoctorCommand>());
  return run_command_line(argument_count, arguments, commands);
}
