#include "apps/topics_command.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/backbone.h"
#include "apps/json_text.h"
#include "apps/number_text.h"
#include "apps/terminal_table.h"
#include "base/nearest_name.h"
#include "metering/duration.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

int64_t records_of(const TopicDescription& topic) {
  int64_t records = 0;
  for (const OffsetRange& range : topic.partitions) records += range.end.value - range.begin.value;
  return records;
}

std::string retention_text(const TopicConfig& config, bool is_compacted) {
  if (is_compacted) return "latest of each key";
  std::string text;
  if (config.retention_ms >= 0) text = format_duration(config.retention_ms);
  if (config.retention_bytes >= 0)
    text += (text.empty() ? "" : ", ") + bytes_text(static_cast<double>(config.retention_bytes));
  return text.empty() ? "for ever" : text;
}

std::string time_text(const RecordView& record) {
  return format_timestamp(EventTime(record.ingest_time.value));
}

/// Ingest time of the first record; "-" when there is none.
Result<std::string> first_time(EventLog& log, const TopicPartition& source, const OffsetRange& range) {
  RecordSet records;
  RETURN_IF_ERROR(log.read(source, range.begin, 1, records));
  return records.records.empty() ? "-" : time_text(records.records.front());
}

/// Ingest time of the last record. Offsets may have gaps, so it looks further and further before the end.
Result<std::string> last_time(EventLog& log, const TopicPartition& source, const OffsetRange& range) {
  constexpr int64_t kFurthest = 100'000;
  RecordSet records;
  for (int64_t back = 100; range.begin < range.end; back *= 10) {
    const Offset from(std::max(range.begin.value, range.end.value - back));
    std::string last;
    for (Offset next = from; next < range.end; next = records.next) {
      RETURN_IF_ERROR(log.read(source, next, kReadBytes, records));
      if (records.records.empty()) break;
      last = time_text(records.records.back());
    }
    if (!last.empty()) return last;
    if (from == range.begin || back >= kFurthest) break;
  }
  return std::string("-");
}

struct PartitionRow {
  OffsetRange range;
  std::string first_time = "-";
  std::string last_time = "-";
};

Result<std::vector<PartitionRow>> partition_rows(EventLog& log, const TopicDescription& topic) {
  std::vector<PartitionRow> rows;
  for (size_t number = 0; number < topic.partitions.size(); ++number) {
    PartitionRow row{topic.partitions[number]};
    const TopicPartition source{topic.config.name, PartitionId(static_cast<int32_t>(number))};
    if (row.range.begin < row.range.end) {
      ASSIGN_OR_RETURN(row.first_time, first_time(log, source, row.range));
      ASSIGN_OR_RETURN(row.last_time, last_time(log, source, row.range));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Bytes of a topic where they are known.
std::string size_text(const Backbone& backbone, const TopicDescription& topic) {
  return backbone.knows_bytes() ? bytes_text(static_cast<double>(topic.bytes)) : "-";
}

std::string size_json(const Backbone& backbone, const TopicDescription& topic) {
  return backbone.knows_bytes() ? fmt::format("{}", topic.bytes) : "null";
}

void print_description_json(const Backbone& backbone, const TopicDescription& topic, bool is_compacted,
                            const std::vector<PartitionRow>& rows) {
  std::string text = fmt::format(
      "{{\"topic\":{},\"records\":{},\"bytes\":{},\"retentionMs\":{},\"retentionBytes\":{},\"compacted\":{},"
      "\"partitions\":[",
      json_string(topic.config.name), records_of(topic), size_json(backbone, topic), topic.config.retention_ms,
      topic.config.retention_bytes, is_compacted);
  for (size_t number = 0; number < rows.size(); ++number) {
    const PartitionRow& row = rows[number];
    const auto time_or_null = [](const std::string& time) {
      return time == "-" ? std::string("null") : json_string(time);
    };
    text += fmt::format("{}{{\"partition\":{},\"begin\":{},\"end\":{},\"firstIngestTime\":{},\"lastIngestTime\":{}}}",
                        number == 0 ? "" : ",", number, row.range.begin, row.range.end, time_or_null(row.first_time),
                        time_or_null(row.last_time));
  }
  fmt::print("{}]}}\n", text);
}

}  // namespace

std::string TopicsCommand::examples() const {
  return "meterstream topics\nmeterstream topics --json\n"
         "meterstream topics --create metrics --partitions 8 --retention 30d --retention-size 50GB\n"
         "meterstream topics --kafka localhost:9092 --create tariffs --compact";
}

void TopicsCommand::declare(CLI::App& app) {
  auto* create = app.add_option("--create", options_.create, "Create this topic; an existing one is left as it is")
                     ->check([](const std::string& name) {
                       return name.empty() ? std::string("the new topic needs a name") : std::string();
                     });
  app.add_option("--partitions", options_.partitions, "Partitions of the new topic")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str()
      ->needs(create);
  app.add_option("--retention", options_.retention, "Let records go that arrived longer ago than this (kept for ever)")
      ->type_name("DURATION")
      ->needs(create);
  app.add_option("--retention-size", options_.retention_size,
                 "Let the oldest records of a partition go above this size")
      ->type_name("SIZE")
      ->needs(create);
  app.add_flag("--compact", options_.compact, "On Kafka: of each key the latest record stays, older ones may go")
      ->needs(create);
}

Result<ExitCode> TopicsCommand::create(const CommandContext& context) const {
  TopicConfig config{.name = options_.create, .partitions = static_cast<int32_t>(options_.partitions)};
  if (!options_.retention.empty()) {
    ASSIGN_OR_RETURN(config.retention_ms, parse_duration(options_.retention));
  }
  if (!options_.retention_size.empty()) {
    ASSIGN_OR_RETURN(config.retention_bytes, parse_bytes(options_.retention_size));
  }
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kWrite));
  ASSIGN_OR_RETURN(const Backbone::CreatedTopic created, backbone->create_topic(config, options_.compact));
  const TopicConfig& made = created.description.config;
  const bool as_asked = made.partitions == config.partitions && made.retention_ms == config.retention_ms &&
                        made.retention_bytes == config.retention_bytes && created.is_compacted == options_.compact;
  const std::string kept = retention_text(made, created.is_compacted);
  if (!as_asked) {
    return conflict(fmt::format("topic {} exists with other settings ({} partitions, kept {}); it was left as it is",
                                config.name, made.partitions, kept));
  }
  if (context.json) {
    fmt::print("{{\"topic\":{},\"partitions\":{}}}\n", json_string(config.name), config.partitions);
  } else {
    fmt::print("topic {} with {} partitions, kept {}\n", config.name, config.partitions, kept);
  }
  return ExitCode::kDone;
}

Result<ExitCode> TopicsCommand::run(const CommandContext& context) {
  if (!options_.create.empty()) return create(context);
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kRead));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, backbone->log().topics());
  TerminalTable table({{"topic"},
                       {"partitions", TerminalTable::Align::kRight},
                       {"records", TerminalTable::Align::kRight},
                       {"size", TerminalTable::Align::kRight},
                       {"kept"}});
  std::string json;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const TopicDescription topic, backbone->log().describe_topic(name));
    ASSIGN_OR_RETURN(const bool is_compacted, backbone->is_compacted(name));
    json += fmt::format("{}{{\"topic\":{},\"partitions\":{},\"records\":{},\"bytes\":{}}}", json.empty() ? "" : ",",
                        json_string(name), topic.partitions.size(), records_of(topic), size_json(*backbone, topic));
    table.add_row({name, fmt::format("{}", topic.partitions.size()), grouped_text(records_of(topic)),
                   size_text(*backbone, topic), retention_text(topic.config, is_compacted)});
  }
  if (context.json) {
    fmt::print("[{}]\n", json);
  } else if (names.empty()) {
    fmt::print("no topics yet; 'meterstream replay --help' says how to fill topic metrics\n");
  } else {
    fmt::print("{}", table.text(context.output));
  }
  return ExitCode::kDone;
}

std::string DescribeCommand::examples() const {
  return "meterstream describe metrics\nmeterstream describe metrics-aggregates-60 --json\n"
         "meterstream describe metrics --kafka localhost:9092";
}

void DescribeCommand::declare(CLI::App& app) {
  app.add_option("TOPIC", options_.topic, "Name of the topic")->required();
}

Result<ExitCode> DescribeCommand::run(const CommandContext& context) {
  ASSIGN_OR_RETURN(const auto backbone, Backbone::open(context, Backbone::Access::kRead));
  ASSIGN_OR_RETURN(const TopicDescription topic, backbone->log().describe_topic(options_.topic));
  ASSIGN_OR_RETURN(const bool is_compacted, backbone->is_compacted(options_.topic));
  ASSIGN_OR_RETURN(const std::vector<PartitionRow> rows, partition_rows(backbone->log(), topic));
  if (context.json) {
    print_description_json(*backbone, topic, is_compacted, rows);
    return ExitCode::kDone;
  }
  fmt::print("topic {}: {} records, {}, kept {}\n\n", topic.config.name, grouped_text(records_of(topic)),
             backbone->knows_bytes() ? bytes_text(static_cast<double>(topic.bytes)) : backbone->place(),
             retention_text(topic.config, is_compacted));
  TerminalTable table({{"partition", TerminalTable::Align::kRight},
                       {"begin", TerminalTable::Align::kRight},
                       {"end", TerminalTable::Align::kRight},
                       {"records", TerminalTable::Align::kRight},
                       {"first arrived"},
                       {"last arrived"}});
  for (size_t number = 0; number < rows.size(); ++number) {
    const PartitionRow& row = rows[number];
    table.add_row({fmt::format("{}", number), grouped_text(row.range.begin.value), grouped_text(row.range.end.value),
                   grouped_text(row.range.end.value - row.range.begin.value), row.first_time, row.last_time});
  }
  fmt::print("{}", table.text(context.output));
  return ExitCode::kDone;
}

}  // namespace meterstream
