#include "apps/track_command.h"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/number_text.h"
#include "apps/progress_line.h"
#include "apps/signal_stop.h"
#include "apps/topic_reader.h"
#include "metering/duration.h"

namespace meterstream {
namespace {

struct TrackResult {
  int64_t seen = 0;
  int64_t wanted = 0;
  int64_t from_start_ns = 0;
  int64_t from_first_ns = 0;
  std::vector<int64_t> delays_ms;

  [[nodiscard]] double rate() const {
    return from_first_ns > 0 ? static_cast<double>(seen) * 1e9 / static_cast<double>(from_first_ns) : 0;
  }
};

void print_json(const TrackResult& result) {
  fmt::print(
      "{{\"seen\":{},\"wanted\":{},\"secondsFromStart\":{:.6f},\"secondsFromFirst\":{:.6f},\"recordsPerSecond\":{:.1f},"
      "\"delayMs\":{{\"p50\":{},\"p90\":{},\"p99\":{},\"max\":{}}}}}\n",
      result.seen, result.wanted, static_cast<double>(result.from_start_ns) * 1e-9,
      static_cast<double>(result.from_first_ns) * 1e-9, result.rate(), percentile(result.delays_ms, 0.5),
      percentile(result.delays_ms, 0.9), percentile(result.delays_ms, 0.99), percentile(result.delays_ms, 1));
}

void print_text(const TrackResult& result) {
  const auto delay = [&](double share) {
    return elapsed_text(static_cast<double>(percentile(result.delays_ms, share)) / 1000);
  };
  fmt::print("seen         {} of {}\n", grouped_text(result.seen), grouped_text(result.wanted));
  fmt::print("from start   {}\n", elapsed_text(static_cast<double>(result.from_start_ns) * 1e-9));
  fmt::print("from first   {}  ({})\n", elapsed_text(static_cast<double>(result.from_first_ns) * 1e-9),
             rate_text(result.rate()));
  fmt::print("delay        p50 {}, p90 {}, p99 {}, max {}\n", delay(0.5), delay(0.9), delay(0.99), delay(1));
}

}  // namespace

int64_t percentile(const std::vector<int64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<int64_t>(std::ceil(share * static_cast<double>(sorted.size())));
  const auto last = static_cast<int64_t>(sorted.size()) - 1;
  return sorted[static_cast<size_t>(std::clamp<int64_t>(rank - 1, 0, last))];
}

std::string TrackCommand::examples() const {
  return "meterstream track --topic metrics --count 1M\n"
         "meterstream track --topic metrics-aggregates-60 --count 5000 --timeout 30s --json";
}

void TrackCommand::declare(CLI::App& app) {
  app.add_option("--topic", options_.topic, "Name of the topic")->required();
  app.add_option("--count", options_.count, "Records to wait for, such as 5000 or 1.5M")->type_name("N")->required();
  app.add_option("--from", options_.from, "beginning, end, an offset, a time of arrival, or how long ago (10m)")
      ->type_name("PLACE")
      ->capture_default_str();
  app.add_option("--timeout", options_.timeout, "Give up when no record came for this long (waits for ever)")
      ->type_name("DURATION");
}

Result<ExitCode> TrackCommand::run(const CommandContext& context) {
  TrackResult result;
  ASSIGN_OR_RETURN(result.wanted, parse_count(options_.count));
  ASSIGN_OR_RETURN(const TopicStart start, parse_topic_start(options_.from, context.clock.now()));
  int64_t timeout_ms = INT64_MAX;
  if (!options_.timeout.empty()) {
    ASSIGN_OR_RETURN(timeout_ms, parse_duration(options_.timeout));
  }
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kRead));
  ASSIGN_OR_RETURN(TopicReader reader, TopicReader::open(backbone->log(), options_.topic, start,
                                                         [&](const TopicPartition& source, IngestTime time) {
                                                           return backbone->offset_at(source, time);
                                                         }));
  const SignalStop stop(SignalStop::Announcement::kNone);
  ProgressLine progress(context.clock, context.errors, {.unit = "records", .label = "track"});
  constexpr int64_t kSlice_ms = 100;
  const int64_t start_ns = context.clock.monotonic_ns();
  int64_t first_ns = 0;
  int64_t last_ns = start_ns;
  while (result.seen < result.wanted && !stop.requested()) {
    ASSIGN_OR_RETURN(const auto item, reader.poll(kSlice_ms));
    const int64_t now_ns = context.clock.monotonic_ns();
    if (!item) {
      if ((now_ns - last_ns) / 1'000'000 >= timeout_ms) break;
    } else {
      last_ns = now_ns;
      if (result.seen == 0) first_ns = now_ns;
      ++result.seen;
      result.delays_ms.push_back(context.clock.now().value - item->record.ingest_time.value);
    }
    progress.update(result.seen, static_cast<double>(result.seen) / static_cast<double>(result.wanted));
  }
  progress.finish();
  result.from_start_ns = last_ns - start_ns;
  result.from_first_ns = result.seen > 0 ? last_ns - first_ns : 0;
  std::sort(result.delays_ms.begin(), result.delays_ms.end());
  context.json ? print_json(result) : print_text(result);
  if (result.seen == result.wanted) return ExitCode::kDone;
  if (stop.requested()) {
    fmt::print(stderr, "stopped after {} of {}\n", grouped_text(result.seen), grouped_text(result.wanted));
    return ExitCode::kInterrupted;
  }
  fmt::print(stderr, "meterstream track: no further record came for {}; topic {} ends after {} of {}\n",
             options_.timeout, options_.topic, grouped_text(result.seen), grouped_text(result.wanted));
  return ExitCode::kFailed;
}

}  // namespace meterstream
