// Purpose: an AggregateTable in Cassandra. Shape: cassandra_schema.h; guarantee of writes: cassandra_row_writer.h.
// Readers: a range costs one request for each bucket that has rows, and one for each 1,000 buckets to know them.
// Rows that another program wrote without an entry in NAME_buckets and NAME_series are not found.
// Ownership: the client must outlive the table. The rest: see the port.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connectors/cassandra/cassandra_client.h"
#include "connectors/cassandra/cassandra_row_writer.h"
#include "state/aggregate_table.h"

namespace meterstream {

class CassandraAggregateTable final : public AggregateTable {
 public:
  CassandraAggregateTable(CassandraClient& client, AggregateTableDefinition definition);

  [[nodiscard]] const AggregateTableDefinition& definition() const override { return definition_; }
  Status write(std::span<const AggregateEntry> entries) override;
  Status flush() override;
  Result<Page> rows(const AggregateSeries& series, const Query& query) override;
  Result<std::vector<AggregateSeries>> series(std::string_view gateway_prefix, size_t limit,
                                              const AggregateSeries* after) override;

 private:
  Status learn_window(const AggregateRow& row);
  /// Adds rows of one partition in the query's order, until the page has one more than the limit.
  Status read_partition(const AggregateSeries& series, std::optional<int64_t> bucket_ms, const Query& query,
                        Page& page);
  Status read_buckets(const AggregateSeries& series, const Query& query, Page& page);
  Status read_slot(int32_t slot, std::string_view gateway_prefix, size_t limit, const AggregateSeries* after,
                   std::vector<AggregateSeries>& found);
  [[nodiscard]] Error damaged() const;

  CassandraClient& client_;
  AggregateTableDefinition definition_;
  CassandraRowWriter writer_;
};

}  // namespace meterstream
