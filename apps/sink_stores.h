// Purpose: what the sinks of a program write to, by their type: the only place that knows all kinds of stores.
// Thread-safety: none, but the writers that it makes may run on several threads. Ownership: must outlive the writers.
// Errors: kInvalid for a type that this build does not have; those of the stores come when the writers are opened.
#pragma once

#include <memory>

#include "apps/command_line.h"
#include "apps/data_directory.h"
#include "state/embedded_aggregate_store.h"
#include "stream/sink_deployment.h"

namespace meterstream {

class SinkStores {
 public:
  /// Both must outlive this.
  SinkStores(DataDirectory& data, const CommandContext& context);
  ~SinkStores();

  Result<DeployedWriter> writer(const SinkSpec& sink, PartitionId partition);
  /// True for a table in the data directory: each process then has the whole table, and keeps the sink's positions.
  [[nodiscard]] static bool is_local(const SinkSpec& sink);

 private:
  DataDirectory& data_;
  const CommandContext& context_;
  EmbeddedAggregateStore embedded_;
};

}  // namespace meterstream
