#include "apps/store_sinks.h"
#include "connectors/redis/redis_latest_table.h"
#include "stream/latest_sink_writer.h"

namespace meterstream {

Result<std::unique_ptr<SinkWriter>> redis_sink_writer(const SinkSpec& sink, const SinkSurroundings& around) {
  RedisSettings settings = around.configuration.redis;
  const auto option = [&](const char* name) {
    const auto found = sink.options.find(name);
    return found == sink.options.end() ? std::string() : found->second;
  };
  if (const std::string db = option("db"); !db.empty()) settings.db = static_cast<int32_t>(std::stoi(db));
  if (const std::string ttl = option("ttl_s"); !ttl.empty()) settings.ttl_s = std::stoll(ttl);
  if (const std::string prefix = option("key_prefix"); !prefix.empty()) settings.key_prefix = prefix;
  RedisLatestTable::Options table_options;
  table_options.content = latest_content(sink);
  ASSIGN_OR_RETURN(auto table, RedisLatestTable::make(settings, around.clock, table_options));
  LatestSinkWriter::Options options;
  // Without the address: after a failover the table is on another host.
  options.table = "redis db " + std::to_string(settings.db) + " " + settings.key_prefix;
  options.format = value_format(sink);
  options.content = table_options.content;
  options.max_ahead_ms = around.configuration.time.max_ahead_ms;
  return std::make_unique<LatestSinkWriter>(std::move(table), around.schemas, options);
}

}  // namespace meterstream
