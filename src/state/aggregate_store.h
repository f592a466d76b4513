// Purpose: port of what holds serving tables of aggregates: the data directory (EmbeddedAggregateStore) or Cassandra.
// Thread-safety: all methods may be called concurrently. All may block for the store's time-out.
// Errors: kUnavailable (the store is away: retry), kInvalid (refused: a login, a right, a name), kNotFound (with the names
//         that exist), kConflict (the table exists with another bucket or other columns; the message names the difference).
// Ownership: the store must outlive its tables.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/aggregate_table.h"

namespace meterstream {

class AggregateStore {
 public:
  virtual ~AggregateStore() = default;
  /// Ordered by name.
  virtual Result<std::vector<AggregateTableDefinition>> tables() = 0;
  virtual Result<std::unique_ptr<AggregateTable>> open(std::string_view name) = 0;
  /// Makes the table unless it exists; then it must have the same bucket and columns. One whose window length is not
  /// known may become visible to others with its first row only.
  virtual Result<std::unique_ptr<AggregateTable>> create(const AggregateTableDefinition& definition) = 0;
};

}  // namespace meterstream
