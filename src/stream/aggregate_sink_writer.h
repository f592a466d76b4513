// Purpose: keeps the aggregates of a topic (JSON, DESIGN's metrics-aggregates-*) in an AggregateTable.
// Guarantee: see SinkWriter; a row is an upsert by revision, and the revision is the count of readings in it: of
//            refinements of one window the one with the most readings stays.
// Thread-safety, blocking, errors: see the ports. Records that are no aggregates are rejected with the reason.
// Ownership: the store must outlive the writer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "state/aggregate_store.h"
#include "stream/sink_writer.h"

namespace meterstream {

class AggregateSinkWriter final : public SinkWriter {
 public:
  /// `place`: what tells the store from others, for definition(); empty for the data directory.
  AggregateSinkWriter(AggregateStore& store, AggregateTableDefinition table, std::string place = {})
      : store_(store), definition_(std::move(table)), place_(std::move(place)) {}

  Status open(Offset next) override;
  Status add(const RecordSet& records, std::vector<Rejected>& rejected) override;
  Result<Offset> settle(Offset next, Settle how) override;
  [[nodiscard]] std::string definition() const override;

 private:
  AggregateStore& store_;
  AggregateTableDefinition definition_;
  std::string place_;
  std::unique_ptr<AggregateTable> table_;
  std::vector<AggregateEntry> entries_;
};

}  // namespace meterstream
