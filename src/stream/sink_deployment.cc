#include "stream/sink_deployment.h"

#include <fmt/format.h>

#include "state/aggregate_table.h"
#include "stream/aggregate_sink_task.h"

namespace meterstream {
namespace {

/// Rows in another bucket have other keys, so a second bucket would store every window a second time. Tables that are
/// made here are added to `tables`.
Status claim_table(const SinkSpec& sink, AggregateBucket bucket, std::vector<AggregateTableDefinition>& tables) {
  for (const AggregateTableDefinition& table : tables) {
    if (table.name != sink.table) continue;
    if (table.bucket == bucket) return {};
    return conflict(fmt::format(
        "sink {}: table {} exists with bucket '{}', not '{}'. Use bucket '{}', give the sink another table, "
        "or use another data directory",
        sink.name, table.name, name_of(table.bucket), name_of(bucket), name_of(table.bucket)));
  }
  tables.push_back({.name = sink.table, .window_ms = 0, .bucket = bucket});
  return {};
}

}  // namespace

Result<std::vector<std::unique_ptr<Task>>> deploy_sinks(const std::vector<SinkSpec>& sinks, Runtime runtime,
                                                        const PassTaskOptions& options, int32_t default_partitions) {
  std::vector<std::unique_ptr<Task>> tasks;
  ASSIGN_OR_RETURN(auto tables, list_tables(runtime.state));
  for (const SinkSpec& sink : sinks) {
    if (sink.type != "embedded") {
      return invalid(fmt::format("sink {}: type '{}' does not exist; use 'embedded'", sink.name, sink.type));
    }
    const auto bucket = parse_aggregate_bucket(sink.bucket.empty() ? "none" : sink.bucket);
    if (!bucket) {
      return invalid(
          fmt::format("sink {}: bucket '{}' does not exist; use minutes, hours, days, months or leave it out",
                      sink.name, sink.bucket));
    }
    RETURN_IF_ERROR(claim_table(sink, *bucket, tables));
    ASSIGN_OR_RETURN(const auto topic, runtime.log.create_topic({sink.topic, default_partitions}));
    RETURN_IF_ERROR(runtime.log.create_topic({sink.topic + "-rejected", topic.config.partitions}));
    for (int32_t partition = 0; partition < topic.config.partitions; ++partition) {
      AggregateSinkTask::Options each;
      each.application = options.application;
      each.commit_interval_ms = options.commit_interval_ms;
      each.read_bytes = options.read_bytes;
      each.durability = options.durability;
      each.result_ids = options.result_ids;
      tasks.push_back(
          std::make_unique<AggregateSinkTask>(sink, *bucket, PartitionId(partition), runtime.log, runtime.clock, each));
    }
  }
  return tasks;
}

}  // namespace meterstream
