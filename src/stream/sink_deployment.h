// Purpose: turns sinks into tasks, one for each partition of their topic.
// Errors: kInvalid for a type or bucket that does not exist; kConflict when the sink's table has another bucket; those
//         of the log and the store.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "state/aggregate_store.h"
#include "stream/sink_task.h"
#include "stream/view_deployment.h"

namespace meterstream {

/// A writer for one partition of a sink.
struct DeployedWriter {
  std::unique_ptr<SinkWriter> writer;
  /// See SinkTask::Options::waits_for_store.
  bool waits_for_store = true;
  /// See SinkTask::Options::on_store.
  std::function<void(SinkTask::StoreChange, const std::string&)> on_store = {};
};
/// Called once for each partition, on the caller's thread.
using SinkWriterFactory = std::function<Result<DeployedWriter>(const SinkSpec& sink, PartitionId partition)>;

/// The table that a sink of aggregates asks for.
Result<AggregateTableDefinition> sink_table(const SinkSpec& sink);

/// Creates the sink's topics where they are missing, with `default_partitions`; how many partitions it has.
Result<int32_t> create_sink_topics(const SinkSpec& sink, EventLog& log, int32_t default_partitions);

/// Options of a sink's tasks from those of the views beside it.
SinkTask::Options sink_task_options(const PassTaskOptions& options);

Result<std::vector<std::unique_ptr<Task>>> deploy_sinks(const std::vector<SinkSpec>& sinks, EventLog& log,
                                                        const Clock& clock, const SinkTask::Options& options,
                                                        int32_t default_partitions, const SinkWriterFactory& factory);

}  // namespace meterstream
