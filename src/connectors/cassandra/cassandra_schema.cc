#include "connectors/cassandra/cassandra_schema.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "connectors/cassandra/cassandra_table_options.h"

namespace meterstream {
namespace {

constexpr std::string_view kBucketsSuffix = "_buckets";
constexpr std::string_view kSeriesSuffix = "_series";
constexpr std::string_view kCommentBegin = "meterstream aggregates: windows of ";
constexpr std::string_view kCommentMiddle = " ms, bucket ";
constexpr int64_t kMinuteS = 60;
constexpr int64_t kHourS = 3'600;
constexpr int64_t kDayS = 86'400;

std::string quoted(std::string_view text) {
  std::string result = "'";
  for (const char letter : text) {
    result.push_back(letter);
    if (letter == '\'') result.push_back(letter);
  }
  return result + "'";
}

// As people write it; Cassandra itself knows small letters only.
std::string_view written(std::string_view column) {
  for (const std::string_view name : {"windowStart", "windowEnd", "sampleCount"}) {
    const auto lower = [](char letter) { return static_cast<char>(std::tolower(static_cast<unsigned char>(letter))); };
    if (std::ranges::equal(name, column, {}, lower)) return name;
  }
  return column;
}

std::string columns_text(AggregateBucket bucket) {
  std::string text;
  for (const CassandraColumn& column : cassandra_columns(bucket))
    text += fmt::format("  {} {},\n", written(column.name), column.type);
  return text;
}

std::string description_of(const CassandraColumn& column) {
  if (column.kind == "partition_key") return fmt::format("column {} of the partition key", column.position + 1);
  if (column.kind == "clustering")
    return fmt::format("column {} of the clustering, {}", column.position + 1, column.order);
  return fmt::format("a {} column", column.kind);
}

const CassandraColumn* find_column(std::span<const CassandraColumn> columns, std::string_view name) {
  const auto found = std::ranges::find(columns, name, &CassandraColumn::name);
  return found == columns.end() ? nullptr : &*found;
}

bool is_key(const CassandraColumn& column) {
  return column.kind == "partition_key" || column.kind == "clustering";
}

}  // namespace

bool is_cassandra_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  return !name.empty() && name.size() <= kCassandraNameLength &&
         kLetters.find(name.front()) != std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

Status check_cassandra_table_name(std::string_view name) {
  const size_t longest = kCassandraNameLength - std::max(kBucketsSuffix.size(), kSeriesSuffix.size());
  if (is_cassandra_name(name) && name.size() <= longest) return {};
  return invalid(fmt::format(
      "Cassandra: table '{}' is no name; use small letters, digits and _, a letter first, at most {}", name, longest));
}

std::string cassandra_buckets_name(std::string_view table) {
  return std::string(table).append(kBucketsSuffix);
}
std::string cassandra_series_name(std::string_view table) {
  return std::string(table).append(kSeriesSuffix);
}

std::string cassandra_keyspace_ddl(const CassandraSettings& settings) {
  const bool is_simple = settings.replication_strategy == "SimpleStrategy";
  return fmt::format("CREATE KEYSPACE IF NOT EXISTS {} WITH replication = {{'class': {}, {}: {}}}", settings.keyspace,
                     quoted(settings.replication_strategy),
                     quoted(is_simple ? "replication_factor" : settings.local_datacentre), settings.replication_factor);
}

std::vector<std::string> cassandra_table_ddl(const CassandraSettings& settings,
                                             const AggregateTableDefinition& definition) {
  std::vector<std::string> statements;
  const bool is_bucketed = definition.bucket != AggregateBucket::kNone;
  const CassandraTableOptions options = cassandra_table_options(settings);
  statements.push_back(
      fmt::format("CREATE TABLE IF NOT EXISTS {}.{} (\n"
                  "  slot int,\n  gateway text,\n  metric text,\n  attribute text,\n"
                  "  PRIMARY KEY ((slot), gateway, metric, attribute)\n"
                  ") WITH comment = 'meterstream series of {}'",
                  settings.keyspace, cassandra_series_name(definition.name), definition.name));
  if (is_bucketed) {
    statements.push_back(
        fmt::format("CREATE TABLE IF NOT EXISTS {}.{} (\n"
                    "  gateway text,\n  metric text,\n  attribute text,\n  bucket timestamp,\n"
                    "  PRIMARY KEY ((gateway, metric, attribute), bucket)\n"
                    ") WITH CLUSTERING ORDER BY (bucket DESC)\n"
                    "  AND default_time_to_live = {}\n"
                    "  AND comment = 'meterstream buckets of {}'",
                    settings.keyspace, cassandra_buckets_name(definition.name),
                    cassandra_buckets_options(settings, definition.bucket).ttl_s, definition.name));
  }
  statements.push_back(
      fmt::format("CREATE TABLE IF NOT EXISTS {}.{} (\n"
                  "{}"
                  "  PRIMARY KEY ((gateway, metric, attribute{}), windowStart)\n"
                  ") WITH CLUSTERING ORDER BY (windowStart DESC)\n"
                  "  AND compaction = {}\n"
                  "  AND default_time_to_live = {}\n"
                  "  AND comment = {}",
                  settings.keyspace, definition.name, columns_text(definition.bucket), is_bucketed ? ", bucket" : "",
                  cassandra_compaction_text(options), options.ttl_s, quoted(cassandra_table_comment(definition))));
  return statements;
}

std::string cassandra_schema_text(const CassandraSettings& settings,
                                  std::span<const AggregateTableDefinition> definitions) {
  std::string text = cassandra_keyspace_ddl(settings) + ";\n";
  for (const AggregateTableDefinition& definition : definitions) {
    for (const std::string& statement : cassandra_table_ddl(settings, definition)) text += "\n" + statement + ";\n";
  }
  return text;
}

std::vector<AggregateTableDefinition> usual_cassandra_tables() {
  std::vector<AggregateTableDefinition> tables;
  for (const int64_t window_s : {kMinuteS, 10 * kMinuteS, kHourS, kDayS}) {
    tables.push_back({fmt::format("metrics_aggregates_{}", window_s), window_s * 1000, usual_bucket(window_s * 1000)});
  }
  return tables;
}

std::string cassandra_table_comment(const AggregateTableDefinition& definition) {
  return fmt::format("{}{}{}{}", kCommentBegin, definition.window_ms, kCommentMiddle, name_of(definition.bucket));
}

std::optional<AggregateTableDefinition> parse_cassandra_table_comment(std::string_view name, std::string_view comment) {
  if (!comment.starts_with(kCommentBegin)) return std::nullopt;
  comment.remove_prefix(kCommentBegin.size());
  AggregateTableDefinition definition{std::string(name)};
  const auto [end, error] = std::from_chars(comment.data(), comment.data() + comment.size(), definition.window_ms);
  if (error != std::errc() || definition.window_ms < 0) return std::nullopt;
  comment.remove_prefix(static_cast<size_t>(end - comment.data()));
  if (!comment.starts_with(kCommentMiddle)) return std::nullopt;
  const auto bucket = parse_aggregate_bucket(comment.substr(kCommentMiddle.size()));
  if (!bucket) return std::nullopt;
  definition.bucket = *bucket;
  return definition;
}

std::vector<CassandraColumn> cassandra_columns(AggregateBucket bucket) {
  std::vector<CassandraColumn> columns;
  int32_t position = 0;
  for (const char* name : {"gateway", "metric", "attribute"})
    columns.push_back({name, "partition_key", position++, "text", "none"});
  if (bucket != AggregateBucket::kNone) columns.push_back({"bucket", "partition_key", position, "timestamp", "none"});
  columns.push_back({"windowstart", "clustering", 0, "timestamp", "desc"});
  for (const auto& [name, type] :
       {std::pair("windowend", "timestamp"), std::pair("samplecount", "bigint"), std::pair("min", "double"),
        std::pair("max", "double"), std::pair("sum", "decimal"), std::pair("average", "decimal")})
    columns.push_back({name, "regular", -1, type, "none"});
  return columns;
}

Status check_cassandra_columns(std::string_view table, AggregateBucket bucket,
                               std::span<const CassandraColumn> existing) {
  std::vector<std::string> differences;
  const auto wanted = cassandra_columns(bucket);
  for (const CassandraColumn& column : wanted) {
    const CassandraColumn* found = find_column(existing, column.name);
    if (found == nullptr) {
      differences.push_back(fmt::format("column {} {} is missing", column.name, column.type));
      continue;
    }
    if (found->type != column.type)
      differences.push_back(fmt::format("column {} is {} and not {}", column.name, found->type, column.type));
    if (found->kind != column.kind || found->position != column.position || found->order != column.order)
      differences.push_back(
          fmt::format("column {} is {} and not {}", column.name, description_of(*found), description_of(column)));
  }
  for (const CassandraColumn& column : existing) {
    if (is_key(column) && find_column(wanted, column.name) == nullptr)
      differences.push_back(
          fmt::format("column {} is {} and should not be there", column.name, description_of(column)));
  }
  if (differences.empty()) return {};
  return conflict(fmt::format(
      "Cassandra: table {} is not a table of aggregates with bucket {}: {}. Name another table, or drop this one",
      table, name_of(bucket), fmt::join(differences, "; ")));
}

}  // namespace meterstream
