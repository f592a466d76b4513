#include "apps/sink_stores.h"

#include <fmt/format.h>

#include "stream/aggregate_sink_writer.h"

namespace meterstream {

// The commit of the position makes rows durable: it is a later write to the same store.
SinkStores::SinkStores(DataDirectory& data, const CommandContext& context)
    : data_(data), context_(context), embedded_(data.store(), Durability::kBuffered) {}

SinkStores::~SinkStores() = default;

bool SinkStores::is_local(const SinkSpec& sink) {
  return sink.type == "embedded";
}

Result<DeployedWriter> SinkStores::writer(const SinkSpec& sink, PartitionId /*partition*/) {
  if (sink.type == "embedded") {
    ASSIGN_OR_RETURN(auto table, sink_table(sink));
    return DeployedWriter{std::make_unique<AggregateSinkWriter>(embedded_, std::move(table)), false};
  }
  return invalid(fmt::format("sink {}: type '{}' does not exist; use 'embedded'", sink.name, sink.type));
}

}  // namespace meterstream
