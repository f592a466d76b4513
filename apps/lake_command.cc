#include "apps/lake_command.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/json_text.h"
#include "apps/number_text.h"
#include "apps/terminal_table.h"
#include "connectors/lake/lake_compaction.h"
#include "connectors/lake/lake_inspector.h"
#include "metering/duration.h"

namespace meterstream {
namespace {

std::string partition_json(const LakePartition& partition) {
  return fmt::format(
      R"({{"topic":{},"partition":{},"begin":{},"end":{},"ranges":{},"records":{},"readings":{},"rejected":{}}})",
      json_string(partition.source.topic), partition.source.partition, partition.begin, partition.end, partition.ranges,
      partition.records, partition.readings, partition.rejected);
}

std::string json_list(const std::vector<std::string>& members) {
  return fmt::format("[{}]", fmt::join(members, ","));
}

std::string partitions_json(const std::vector<LakePartition>& partitions) {
  std::vector<std::string> members;
  members.reserve(partitions.size());
  for (const LakePartition& partition : partitions) members.push_back(partition_json(partition));
  return json_list(members);
}

std::string texts_json(const std::vector<std::string>& texts) {
  std::vector<std::string> members;
  members.reserve(texts.size());
  for (const std::string& text : texts) members.push_back(json_string(text));
  return json_list(members);
}

std::string partitions_table(const std::vector<LakePartition>& partitions, const Terminal& terminal) {
  TerminalTable table({{"topic"},
                       {"partition", TerminalTable::Align::kRight},
                       {"offsets", TerminalTable::Align::kRight},
                       {"ranges", TerminalTable::Align::kRight},
                       {"readings", TerminalTable::Align::kRight},
                       {"rejected", TerminalTable::Align::kRight}});
  for (const LakePartition& partition : partitions) {
    table.add_row({partition.source.topic, fmt::format("{}", partition.source.partition),
                   fmt::format("{} to {}", partition.begin, partition.end.value - 1), grouped_text(partition.ranges),
                   grouped_text(partition.readings), grouped_text(partition.rejected)});
  }
  return table.text(terminal);
}

void print_listing_json(const LakeListing& listing) {
  std::vector<std::string> dates;
  dates.reserve(listing.dates.size());
  for (const LakeDate& date : listing.dates) {
    dates.push_back(fmt::format(R"({{"date":"{}","topic":{},"objects":{},"bytes":{},"readings":{}}})",
                                date_text(date.day), json_string(date.topic), date.objects, date.bytes, date.readings));
  }
  fmt::print("{{\"dates\":{},\"partitions\":{}}}\n", json_list(dates), partitions_json(listing.partitions));
}

/// Why objects stay as they are.
std::string left_text(const LakeCompaction::Left& left, const LakeCompaction::Options& options) {
  std::vector<std::string> parts;
  const auto add = [&](int64_t count, const std::string& why) {
    if (count > 0) parts.push_back(fmt::format("{} {}", grouped_text(count), why));
  };
  add(left.alone, left.young == 0 ? "alone in their date, topic and partition"
                                  : "without a neighbour of their date, topic and partition that is old enough");
  add(left.young, fmt::format("younger than {} (--min-age)", format_duration(options.min_age_ms)));
  add(left.large,
      fmt::format("larger than {} (--target) or {} readings together with the next one",
                  bytes_text(static_cast<double>(options.target_bytes)), grouped_text(options.target_readings)));
  add(left.apart, "beside a gap, which `meterstream lake verify` names");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::string LakeCommand::examples() const {
  return "meterstream lake ls --uri /data/lake\nmeterstream lake verify --json\n"
         "meterstream lake compact --uri s3://lake --endpoint http://127.0.0.1:7070 --target 128MB --min-age 1h";
}

void LakeCommand::declare(CLI::App& app) {
  app.add_option("ACTION", options_.action, "ls, verify or compact")
      ->required()
      ->check(CLI::IsMember({"ls", "verify", "compact"}));
  app.add_option("--uri", options_.uri, "A directory or s3://bucket/prefix ([lake] uri)");
  app.add_option("--endpoint", options_.endpoint, "S3: http://host:port of a server that is not AWS");
  app.add_option("--region", options_.region, "S3: region");
  app.add_option("--target", options_.target, "compact: merge objects up to this size (64MB)");
  app.add_option("--min-age", options_.min_age, "compact: leave objects younger than this alone (1h)");
}

// A check of a place that was mistyped must not be green.
Error LakeCommand::no_lake_in(LakeStore& store) {
  return not_found(
      fmt::format("{} holds no readings of a lake. Nothing was stored there yet, or --uri ([lake] uri) names another "
                  "place",
                  store.place()));
}

Result<ExitCode> LakeCommand::run(const CommandContext& context) {
  LakeSettings settings = context.configuration.lake;
  if (!options_.uri.empty()) settings.uri = options_.uri;
  if (!options_.endpoint.empty()) settings.endpoint = options_.endpoint;
  if (!options_.region.empty()) settings.region = options_.region;
  if (options_.action != "compact" && !(options_.target.empty() && options_.min_age.empty())) {
    return invalid("--target and --min-age are options of lake compact");
  }
  RETURN_IF_ERROR(check_lake_settings(settings));
  if (!is_s3_uri(settings) && !std::filesystem::is_directory(settings.uri)) {
    return not_found(fmt::format("there is no lake in {}: no such directory", settings.uri));
  }
  ASSIGN_OR_RETURN(const auto store, open_lake_store(settings, context.clock));
  if (options_.action == "ls") return list(*store, context);
  if (options_.action == "verify") return verify(*store, context);
  return compact(*store, context);
}

Result<ExitCode> LakeCommand::list(LakeStore& store, const CommandContext& context) const {
  ASSIGN_OR_RETURN(const LakeListing listing, LakeInspector(store).list());
  if (context.json) {
    print_listing_json(listing);
    return ExitCode::kDone;
  }
  if (listing.partitions.empty()) {
    fmt::print("{} holds no readings yet\n", store.place());
    return ExitCode::kDone;
  }
  TerminalTable table({{"date"},
                       {"topic"},
                       {"objects", TerminalTable::Align::kRight},
                       {"size", TerminalTable::Align::kRight},
                       {"readings", TerminalTable::Align::kRight},
                       {"bytes a reading", TerminalTable::Align::kRight}});
  for (const LakeDate& date : listing.dates) {
    const double bytes_a_reading =
        date.readings == 0 ? 0 : static_cast<double>(date.bytes) / static_cast<double>(date.readings);
    table.add_row({date_text(date.day), date.topic, grouped_text(date.objects),
                   bytes_text(static_cast<double>(date.bytes)), grouped_text(date.readings),
                   fmt::format("{:.2f}", bytes_a_reading)});
  }
  fmt::print("{}\n{}", table.text(context.output), partitions_table(listing.partitions, context.output));
  return ExitCode::kDone;
}

Result<ExitCode> LakeCommand::verify(LakeStore& store, const CommandContext& context) const {
  ASSIGN_OR_RETURN(const LakeReport report, LakeInspector(store).verify());
  if (report.partitions.empty()) return no_lake_in(store);
  const ExitCode code = report.faults.empty() ? ExitCode::kDone : ExitCode::kCorrupt;
  if (context.json) {
    fmt::print(
        "{{\"whole\":{},\"objects\":{},\"bytes\":{},\"readings\":{},\"partitions\":{},\"leftovers\":{},\"faults\":{}}}"
        "\n",
        report.faults.empty(), report.objects, report.bytes, report.readings, partitions_json(report.partitions),
        texts_json(report.leftovers), texts_json(report.faults));
    return code;
  }
  fmt::print("{}\n", partitions_table(report.partitions, context.output));
  for (const std::string& leftover : report.leftovers) {
    fmt::print(
        "{}: part of a merged object; readers see its readings twice until `meterstream lake compact` removes it\n",
        leftover);
  }
  for (const std::string& fault : report.faults) fmt::print("FAULT {}\n", fault);
  const std::string looked_at =
      fmt::format("{} readings in {} objects, {}", grouped_text(report.readings), grouped_text(report.objects),
                  bytes_text(static_cast<double>(report.bytes)));
  if (report.faults.empty()) {
    fmt::print("whole: offsets without gap or overlap, every object reads back; {}\n", looked_at);
  } else {
    fmt::print("{} faults; {}\n", report.faults.size(), looked_at);
  }
  return code;
}

Result<ExitCode> LakeCommand::compact(LakeStore& store, const CommandContext& context) const {
  ASSIGN_OR_RETURN(const LakeListing listing, LakeInspector(store).list());
  if (listing.partitions.empty()) return no_lake_in(store);
  LakeCompaction::Options options;
  options.zstd_level = context.configuration.lake.zstd_level;
  if (!options_.target.empty()) {
    ASSIGN_OR_RETURN(options.target_bytes, parse_bytes(options_.target));
  }
  if (!options_.min_age.empty()) {
    ASSIGN_OR_RETURN(options.min_age_ms, parse_duration(options_.min_age));
  }
  ASSIGN_OR_RETURN(const LakeCompaction::Summary summary, LakeCompaction(store, context.clock, options).run());
  if (context.json) {
    fmt::print(
        "{{\"merged\":{},\"removed\":{},\"cleaned\":{},\"readings\":{},\"bytesBefore\":{},\"bytesAfter\":{},"
        "\"left\":{{\"alone\":{},\"young\":{},\"large\":{},\"apart\":{}}}}}\n",
        summary.merged_objects, summary.removed_objects, summary.cleaned_objects, summary.readings,
        summary.bytes_before, summary.bytes_after, summary.left.alone, summary.left.young, summary.left.large,
        summary.left.apart);
    return ExitCode::kDone;
  }
  if (summary.merged_objects == 0) {
    fmt::print("nothing to merge; objects: {}\n", left_text(summary.left, options));
  } else {
    fmt::print("{} objects became {}: {} readings, {} before, {} now\n", grouped_text(summary.removed_objects),
               grouped_text(summary.merged_objects), grouped_text(summary.readings),
               bytes_text(static_cast<double>(summary.bytes_before)),
               bytes_text(static_cast<double>(summary.bytes_after)));
  }
  if (summary.cleaned_objects > 0) {
    fmt::print("{} objects of an earlier run, or of uploads that did not end, are removed\n",
               grouped_text(summary.cleaned_objects));
  }
  return ExitCode::kDone;
}

}  // namespace meterstream
