#include "apps/console_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/number_text.h"
#include "apps/option_check.h"
#include "apps/record_text.h"
#include "apps/signal_stop.h"
#include "apps/topic_reader.h"

namespace meterstream {
namespace {

constexpr int64_t kFollowWait_ms = 200;

/// A key matches its whole text, or any part of it that ends in '*'.
bool key_matches(const RecordView& record, std::string_view wanted) {
  if (wanted.empty()) return true;
  if (wanted.ends_with('*')) return record.key.starts_with(wanted.substr(0, wanted.size() - 1));
  return record.key == wanted;
}

}  // namespace

std::string ConsoleCommand::examples() const {
  return "meterstream console --limit 10\n"
         "meterstream console metrics --from 10m --follow\n"
         "meterstream console metrics-aggregates-3600 --key 'household-7.*' --json";
}

void ConsoleCommand::declare(CLI::App& app) {
  app.add_option("TOPIC", options_.topics, "Names of topics, read one after the other")->capture_default_str();
  app.add_option("--from", options_.from, "beginning, end, an offset, a time of arrival, or how long ago (10m)")
      ->type_name("PLACE")
      ->capture_default_str();
  app.add_flag("--follow", options_.follow, "Wait for new records until Ctrl-C");
  app.add_option("--limit", options_.limit, "Stop after N records")->type_name("N")->check(whole_number_from(0));
  app.add_option("--key", options_.key, "Only this key; 'household-7.*' for all that begin so")->type_name("KEY");
}

Result<bool> ConsoleCommand::show(const std::string& topic, const CommandContext& context, Backbone& backbone,
                                  const SignalStop& stop, int64_t& shown) const {
  ASSIGN_OR_RETURN(const TopicStart start, parse_topic_start(options_.from, context.clock.now()));
  ASSIGN_OR_RETURN(TopicReader reader,
                   TopicReader::open(backbone.log(), topic, start, [&](const TopicPartition& source, IngestTime time) {
                     return backbone.offset_at(source, time);
                   }));
  RecordText text(backbone.schemas(), [](const std::string& message) { fmt::print(stderr, "{}\n", message); });
  while (!stop.requested() && (!options_.limit || shown < *options_.limit)) {
    ASSIGN_OR_RETURN(auto item, reader.poll(0));
    if (!item) {
      if (!options_.follow) return true;
      std::fflush(stdout);
      ASSIGN_OR_RETURN(item, reader.poll(kFollowWait_ms));
    }
    if (!item || !key_matches(item->record, options_.key)) continue;
    ++shown;
    fmt::print("{}\n", context.json ? text.record_json(topic, item->partition, item->record)
                                    : text.record_line(item->partition, item->record));
  }
  return false;
}

Result<ExitCode> ConsoleCommand::run(const CommandContext& context) {
  if (options_.follow && options_.topics.size() > 1) return invalid("--follow waits for records of one topic");
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kRead));
  const SignalStop stop(SignalStop::Announcement::kNone);
  int64_t shown = 0;
  for (const std::string& topic : options_.topics) {
    ASSIGN_OR_RETURN(const bool goes_on, show(topic, context, *backbone, stop, shown));
    if (!goes_on) break;
  }
  // Ctrl-C is how following ends; anything else it cuts short.
  if (stop.requested() && !options_.follow) {
    fmt::print(stderr, "stopped after {} records\n", grouped_text(shown));
  } else if (stop.requested() && context.errors.interactive) {
    fmt::print(stderr, "\n{} records\n", grouped_text(shown));
  } else if (context.verbose)
    fmt::print(stderr, "{} records\n", grouped_text(shown));
  return stop.requested() && !options_.follow ? ExitCode::kInterrupted : ExitCode::kDone;
}

}  // namespace meterstream
