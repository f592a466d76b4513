// What a build without the Kafka connector answers.
#include "apps/backbone.h"
#include "apps/doctor_command.h"
#include "apps/kafka_program_run.h"
#include "apps/local_service.h"

namespace meterstream {
namespace {

Error no_kafka() {
  return invalid("this build has no Kafka connector; configure it with -DMETERSTREAM_KAFKA=ON, or leave --kafka out");
}

}  // namespace

Result<std::unique_ptr<Backbone>> open_kafka_backbone(const CommandContext& /*context*/, std::string_view /*writer*/) {
  return no_kafka();
}

Result<ProgramSummary> run_program_on_kafka(const Program& /*program*/, Backbone& /*backbone*/,
                                            const CommandContext& /*context*/, const ProgramRunOptions& /*options*/,
                                            const std::atomic<bool>& /*stop*/) {
  return no_kafka();
}

Result<std::unique_ptr<LocalService>> open_kafka_service(const CommandContext& /*context*/,
                                                         const LocalServiceOptions& /*options*/) {
  return no_kafka();
}

std::vector<Diagnosis> diagnose_kafka(const CommandContext& /*context*/, bool /*probe*/) {
  return {{"kafka", Diagnosis::State::kBad, no_kafka().message, "", ExitCode::kUsage}};
}

}  // namespace meterstream
