#include "stream/sink_deployment.h"

#include <fmt/format.h>

namespace meterstream {

Result<AggregateTableDefinition> sink_table(const SinkSpec& sink) {
  const auto bucket = parse_aggregate_bucket(sink.bucket.empty() ? "none" : sink.bucket);
  if (!bucket) {
    return invalid(fmt::format("sink {}: bucket '{}' does not exist; use minutes, hours, days, months or leave it out",
                               sink.name, sink.bucket));
  }
  return AggregateTableDefinition{.name = sink.table, .window_ms = 0, .bucket = *bucket};
}

Result<int32_t> create_sink_topics(const SinkSpec& sink, EventLog& log, int32_t default_partitions) {
  ASSIGN_OR_RETURN(const auto topic, log.create_topic({sink.topic, default_partitions}));
  RETURN_IF_ERROR(log.create_topic({sink.topic + "-rejected", topic.config.partitions}));
  return topic.config.partitions;
}

SinkTask::Options sink_task_options(const PassTaskOptions& options) {
  SinkTask::Options each;
  each.application = options.application;
  each.commit_interval_ms = options.commit_interval_ms;
  each.read_bytes = options.read_bytes;
  each.durability = options.durability;
  each.bounded = options.bounded;
  return each;
}

Result<std::vector<std::unique_ptr<Task>>> deploy_sinks(const std::vector<SinkSpec>& sinks, EventLog& log,
                                                        const Clock& clock, const SinkTask::Options& options,
                                                        int32_t default_partitions, const SinkWriterFactory& factory) {
  std::vector<std::unique_ptr<Task>> tasks;
  for (const SinkSpec& sink : sinks) {
    ASSIGN_OR_RETURN(const int32_t partitions, create_sink_topics(sink, log, default_partitions));
    for (int32_t number = 0; number < partitions; ++number) {
      const PartitionId partition(number);
      ASSIGN_OR_RETURN(DeployedWriter deployed, factory(sink, partition));
      SinkTask::Options each = options;
      each.waits_for_store = deployed.waits_for_store;
      each.on_store = deployed.on_store;
      tasks.push_back(std::make_unique<SinkTask>(sink.name, TopicPartition{sink.topic, partition},
                                                 std::move(deployed.writer), log, clock, each));
    }
  }
  return tasks;
}

}  // namespace meterstream
