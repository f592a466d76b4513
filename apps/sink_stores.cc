#include "apps/sink_stores.h"

#include <algorithm>

#include <fmt/format.h>

#include "apps/sink_trouble.h"
#include "stream/aggregate_sink_writer.h"
#include "stream/latest_sink_writer.h"

namespace meterstream {

LatestContent latest_content(const SinkSpec& sink) {
  const auto found = sink.options.find("contents");
  if (found == sink.options.end()) return LatestContent::kActivityAndValues;
  return parse_latest_content(found->second).value_or(LatestContent::kActivityAndValues);
}

ValueFormat value_format(const SinkSpec& sink) {
  const auto found = sink.options.find("value_format");
  return found != sink.options.end() && found->second == "json" ? ValueFormat::kJson : ValueFormat::kAvro;
}

// The commit of the position makes rows durable: it is a later write to the same store.
SinkStores::SinkStores(DataDirectory& data, SchemaStore& schemas, const CommandContext& context)
    : around_{context.configuration, schemas, context.clock},
      embedded_(data.store(), Durability::kBuffered),
      latest_(data.store(), Durability::kBuffered) {}

SinkStores::~SinkStores() = default;

bool SinkStores::is_local(const SinkSpec& sink) {
  return sink.type == "embedded";
}

std::string SinkStores::place_of(const SinkSpec& sink) {
  if (sink.type == "embedded") return "table " + sink.table;
  if (sink.type == "cassandra") return "table " + sink.table + " in Cassandra";
  return sink.type == "redis" ? "Redis" : "the lake";
}

Result<DeployedWriter> SinkStores::writer(const SinkSpec& sink, PartitionId partition) {
  DeployedWriter deployed;
  deployed.waits_for_store = !is_local(sink);
  if (deployed.waits_for_store) deployed.on_store = trouble_of(sink.name);
  if (sink.type == "embedded") {
    ASSIGN_OR_RETURN(deployed.writer, embedded_writer(sink));
  } else if (sink.type == "cassandra") {
    ASSIGN_OR_RETURN(deployed.writer, cassandra_writer(sink));
  } else if (sink.type == "redis") {
    ASSIGN_OR_RETURN(deployed.writer, redis_sink_writer(sink, around_));
  } else if (sink.type == "lake") {
    ASSIGN_OR_RETURN(deployed.writer, lake_sink_writer(sink, partition, around_));
  } else {
    return invalid(
        fmt::format("sink {}: type '{}' does not exist; use embedded, cassandra, redis or lake", sink.name, sink.type));
  }
  return deployed;
}

CassandraSettings cassandra_settings_of(const SinkSpec& sink, const CassandraSettings& configured) {
  CassandraSettings settings = configured;
  if (const auto keyspace = sink.options.find("keyspace"); keyspace != sink.options.end())
    settings.keyspace = keyspace->second;
  if (const auto ttl = sink.options.find("ttl_s"); ttl != sink.options.end()) settings.ttl_s = std::stoll(ttl->second);
  return settings;
}

std::function<void(SinkTask::StoreChange, const std::string&)> SinkStores::trouble_of(const std::string& sink) {
  const std::scoped_lock lock(mutex_);
  auto& trouble = trouble_[sink];
  if (!trouble) trouble = tell_trouble_once(sink);
  return trouble;
}

Result<std::unique_ptr<SinkWriter>> SinkStores::embedded_writer(const SinkSpec& sink) {
  if (!sink.options.contains("contents")) {
    ASSIGN_OR_RETURN(auto table, sink_table(sink));
    return std::make_unique<AggregateSinkWriter>(embedded_, std::move(table));
  }
  LatestSinkWriter::Options options;
  options.table = sink.table;
  options.format = value_format(sink);
  options.content = latest_content(sink);
  options.max_ahead_ms = around_.configuration.time.max_ahead_ms;
  return std::make_unique<LatestSinkWriter>(latest_.open(sink.table, options.content), around_.schemas, options);
}

Result<std::unique_ptr<SinkWriter>> SinkStores::cassandra_writer(const SinkSpec& sink) {
  CassandraSettings settings = cassandra_settings_of(sink, around_.configuration.cassandra);
  settings.retry_for_ms = std::min(settings.retry_for_ms, kSinkRetryForMs);
  ASSIGN_OR_RETURN(auto table, sink_table(sink));
  const std::scoped_lock lock(mutex_);
  auto& store = cassandra_[fmt::format("{} {}", settings.keyspace, settings.ttl_s)];
  if (store == nullptr) {
    auto made = cassandra_store(settings);
    if (!made) return made.error().within(fmt::format("sink {}", sink.name));
    store = *std::move(made);
  }
  return std::make_unique<AggregateSinkWriter>(*store, std::move(table), "cassandra keyspace " + settings.keyspace);
}

}  // namespace meterstream
