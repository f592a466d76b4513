// Purpose: serving tables of aggregates in the data directory. Layout: docs/formats/data-directory.md.
// Guarantee: see the port, among writers that one of these has made.
// Thread-safety, errors, ownership: see the port; the store must outlive this object and its tables.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "state/aggregate_store.h"
#include "state/key_value_store.h"
#include "state/known_windows.h"

namespace meterstream {

class EmbeddedAggregateStore final : public AggregateStore {
 public:
  /// With kBuffered flush() leaves it to a later synced write to `store` to make rows durable.
  explicit EmbeddedAggregateStore(KeyValueStore& store, Durability durability = Durability::kSync)
      : store_(store), durability_(durability) {}

  Result<std::vector<AggregateTableDefinition>> tables() override;
  Result<std::unique_ptr<AggregateTable>> open(std::string_view name) override;
  Result<std::unique_ptr<AggregateTable>> create(const AggregateTableDefinition& definition) override;

 private:
  /// With mutex_ held.
  std::unique_ptr<AggregateTable> table(const AggregateTableDefinition& definition);

  KeyValueStore& store_;
  Durability durability_;
  std::mutex mutex_;
  std::vector<AggregateTableDefinition> made_;
  std::map<std::string, std::shared_ptr<KnownWindows>, std::less<>> known_;
};

/// kCorrupt, for people.
Error damaged_table(std::string_view table);
/// Makes the table known, or another window length of it. Pure: the caller writes `batch`.
void put_table(const AggregateTableDefinition& table, WriteBatch& batch);
/// Ordered by name.
Result<std::vector<AggregateTableDefinition>> list_tables(const KeyValueStore& store);

}  // namespace meterstream
