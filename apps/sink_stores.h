// Purpose: what the sinks of a program write to, by their type: the only place that knows all kinds of stores.
// Thread-safety: writer() may be called from several threads, and its writers run on several. Ownership: must outlive the writers.
// Errors: kInvalid for a type that this build does not have, and for settings that cannot work; those of the stores come
//         when the writers are opened.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "apps/command_line.h"
#include "apps/data_directory.h"
#include "apps/store_sinks.h"
#include "state/embedded_aggregate_store.h"
#include "state/embedded_latest_store.h"
#include "stream/sink_deployment.h"

namespace meterstream {

class SinkStores {
 public:
  /// All must outlive this.
  SinkStores(DataDirectory& data, SchemaStore& schemas, const CommandContext& context);
  ~SinkStores();

  Result<DeployedWriter> writer(const SinkSpec& sink, PartitionId partition);
  /// True for a table in the data directory: each process then has the whole table, and keeps the sink's positions.
  [[nodiscard]] static bool is_local(const SinkSpec& sink);
  /// For people: where its records are.
  [[nodiscard]] static std::string place_of(const SinkSpec& sink);

 private:
  std::function<void(SinkTask::StoreChange, const std::string&)> trouble_of(const std::string& sink);
  Result<std::unique_ptr<SinkWriter>> embedded_writer(const SinkSpec& sink);
  Result<std::unique_ptr<SinkWriter>> cassandra_writer(const SinkSpec& sink);

  SinkSurroundings around_;
  EmbeddedAggregateStore embedded_;
  EmbeddedLatestStore latest_;
  std::mutex mutex_;
  /// By keyspace and time to live: sinks with the same share a session.
  std::map<std::string, std::unique_ptr<AggregateStore>> cassandra_;
  std::map<std::string, std::function<void(SinkTask::StoreChange, const std::string&)>> trouble_;
};

}  // namespace meterstream
