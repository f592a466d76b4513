#include "benchmarks/workload/nexmark_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "benchmarks/workload/topic_writer.h"

namespace meterstream {

void NexmarkCommand::declare(CLI::App& app) {
  app.add_option("--events", options_.events, "how many, of which 92 % are bids (1000000)")->check(CLI::PositiveNumber);
  app.add_option("--events-per-second", options_.events_per_second, "of event time (10000)")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options_.seed, "events depend on it and on their number alone (1)");
  app.add_option("--partitions", partitions_, "of each topic (4)")->check(CLI::PositiveNumber);
  app.add_option("--files", files_, "also write person.json, auction.json and bid.json into this folder");
}

Result<ExitCode> NexmarkCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kWrite, "workload-nexmark"));
  TopicWriter writer(*backbone, partitions_, files_);
  for (const std::string_view kind : {"person", "auction", "bid"})
    RETURN_IF_ERROR(writer.open_topic(fmt::format("nexmark-{}", kind), fmt::format("{}.json", kind)));
  NexmarkEvents events(options_);
  for (int64_t number = 0; number < options_.events; ++number) {
    const NexmarkEvents::Event event = events.event(number);
    RETURN_IF_ERROR(writer.add(static_cast<size_t>(event.kind), event.key, event.value, event.value));
  }
  RETURN_IF_ERROR(writer.finish());
  fmt::print("{{\"events\":{}}}\n", options_.events);
  return ExitCode::kDone;
}

}  // namespace meterstream
