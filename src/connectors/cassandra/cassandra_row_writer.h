// Purpose: writes rows of one table of aggregates and the entries of its companions that let readers find them.
// Guarantee: what flush() returned well from is acknowledged by as many nodes as the consistency level asks for. A row carries
//            the time of its window's end in microseconds plus its revision as time of writing: the higher revision stays in
//            whatever order they arrive, and files hold rows of one time together. Of equal revisions with different values
//            Cassandra keeps the greater value of each column.
// Memory: at most settings.pending_rows collected rows, in_flight batches, and a few MB about known series and buckets.
// Blocking: add() while too much is on its way; flush() until all is acknowledged or the time-out.
// Thread-safety: one thread at a time. Ownership: the client must outlive it.
// Errors: see CassandraClient. After an error all that was not flushed is forgotten: add it again.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "connectors/cassandra/cassandra_client.h"
#include "state/aggregate_table.h"

namespace meterstream {

/// Partition of NAME_series that lists the series of a gateway: XXH64 of its name, modulo the slots.
int32_t cassandra_series_slot(std::string_view gateway);
/// kInvalid when it does not fit.
Result<int64_t> cassandra_write_time(const AggregateRow& row, int64_t revision);

class CassandraRowWriter {
 public:
  CassandraRowWriter(CassandraClient& client, const AggregateTableDefinition& definition);

  Status add(std::span<const AggregateEntry> entries);
  Status flush();

 private:
  /// Rows of one partition that wait for more of them.
  struct Group {
    std::string key;  ///< values of the partition key, in front of each row
    std::string values;
    uint32_t rows = 0;
  };
  using Hash = std::array<uint64_t, 2>;
  /// Forgets the oldest half when there are too many; what is forgotten is only written again.
  class KnownSet {
   public:
    bool insert(const Hash& hash);
    void clear();

   private:
    absl::flat_hash_set<Hash> recent_;
    absl::flat_hash_set<Hash> older_;
  };
  /// Batches that are ready to go, of one statement.
  struct Outbox {
    std::unique_ptr<CassandraWriter> writer;
    std::string values;
    std::vector<uint32_t> batch_rows;
  };

  Status open();
  Status add_entry(const AggregateEntry& entry);
  Group& group_of(const AggregateEntry& entry, int64_t bucket_ms);
  void note_series(const AggregateSeries& series);
  void note_bucket(const AggregateSeries& series, int64_t bucket_ms);
  void take(Group& group);
  void take_all();
  static Status send(Outbox& outbox);
  Status send_all();
  Status forget(Error error);

  CassandraClient& client_;
  const AggregateTableDefinition& definition_;
  Outbox rows_;
  Outbox series_;
  Outbox buckets_;
  absl::flat_hash_map<std::string, size_t> group_by_key_;
  std::vector<Group> groups_;
  size_t pending_ = 0;
  KnownSet known_series_;
  KnownSet known_buckets_;
  std::string key_;
};

}  // namespace meterstream
