#include "sql/sink_binder.h"

#include <string_view>
#include <vector>

#include "sql/option_reader.h"

namespace meterstream {
namespace {

const std::vector<std::string_view> kTypes = {"embedded", "cassandra", "redis", "lake"};
const std::vector<std::string_view> kBuckets = {"none", "minutes", "hours", "days", "months", "null"};
const std::vector<std::string_view> kFormats = {"avro", "json"};
const std::vector<std::string_view> kContents = {"activity", "values", "both"};
constexpr int64_t kMostDatabases = 1'000'000;

Status bind_table(SinkSpec& sink, const ast::CreateSink& syntax, const SourceText& source, OptionReader& options) {
  ASSIGN_OR_RETURN(const auto table, options.text({"table"}));
  sink.table = table.value_or(sink.name);
  if (sink.table.empty()) return source.error_at(syntax.name.position.offset, "the sink's table needs a name");
  ASSIGN_OR_RETURN(const auto bucket, options.choice({"bucket"}, kBuckets));
  const bool has_bucket = bucket && kBuckets[*bucket] != "none" && kBuckets[*bucket] != "null";
  if (has_bucket) sink.bucket = kBuckets[*bucket];
  return {};
}

Status bind_text(SinkSpec& sink, OptionReader& options, std::string_view name) {
  ASSIGN_OR_RETURN(const auto text, options.text({name}));
  if (text) sink.options.emplace(name, *text);
  return {};
}

Status bind_ttl(SinkSpec& sink, OptionReader& options) {
  ASSIGN_OR_RETURN(const auto ttl_ms, options.duration_ms({"ttl"}));
  if (ttl_ms) sink.options["ttl_s"] = std::to_string((*ttl_ms + 999) / 1'000);
  return {};
}

/// Of sinks that read readings.
Status bind_format(SinkSpec& sink, OptionReader& options) {
  ASSIGN_OR_RETURN(const auto format, options.choice({"value_format"}, kFormats));
  sink.options["value_format"] = kFormats[format.value_or(0)];
  return {};
}

/// With `contents` the embedded store keeps the latest readings, as Redis does.
Status bind_latest(SinkSpec& sink, OptionReader& options) {
  ASSIGN_OR_RETURN(const auto contents, options.choice({"contents"}, kContents));
  if (!contents) return {};
  sink.options["contents"] = kContents[*contents];
  ASSIGN_OR_RETURN(const auto table, options.text({"table"}));
  sink.table = table.value_or(sink.name);
  return bind_format(sink, options);
}

Status bind_redis(SinkSpec& sink, OptionReader& options) {
  ASSIGN_OR_RETURN(const auto contents, options.choice({"contents"}, kContents));
  sink.options["contents"] = kContents[contents.value_or(kContents.size() - 1)];
  RETURN_IF_ERROR(bind_format(sink, options));
  ASSIGN_OR_RETURN(const auto db, options.integer({"db"}, 0, kMostDatabases));
  if (db) sink.options["db"] = std::to_string(*db);
  RETURN_IF_ERROR(bind_text(sink, options, "key_prefix"));
  return bind_ttl(sink, options);
}

}  // namespace

Result<SinkSpec> bind_sink(const ast::CreateSink& syntax, const SourceText& source) {
  SinkSpec sink;
  sink.name = syntax.name.text;
  OptionReader options(syntax.options, source);
  ASSIGN_OR_RETURN(const auto type, options.choice({"type"}, kTypes));
  if (!type) {
    return source.error_at(
        syntax.name.position.offset,
        "a sink needs its type, 'embedded', 'cassandra', 'redis' or 'lake': WITH (type = 'embedded', ...)");
  }
  sink.type = kTypes[*type];
  ASSIGN_OR_RETURN(const auto topic, options.topic());
  if (!topic) return source.error_at(syntax.name.position.offset, "a sink needs its topic: WITH (topic = '...', ...)");
  sink.topic = *topic;
  if (sink.type == "embedded") RETURN_IF_ERROR(bind_latest(sink, options));
  const bool is_of_aggregates = sink.type == "cassandra" || (sink.type == "embedded" && sink.options.empty());
  if (is_of_aggregates) RETURN_IF_ERROR(bind_table(sink, syntax, source, options));
  if (sink.type == "cassandra") {
    RETURN_IF_ERROR(bind_text(sink, options, "keyspace"));
    RETURN_IF_ERROR(bind_ttl(sink, options));
  }
  if (sink.type == "redis") RETURN_IF_ERROR(bind_redis(sink, options));
  if (sink.type == "lake") {
    RETURN_IF_ERROR(bind_text(sink, options, "uri"));
    RETURN_IF_ERROR(bind_format(sink, options));
  }
  RETURN_IF_ERROR(options.finish());
  return sink;
}

}  // namespace meterstream
