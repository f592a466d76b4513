// Purpose: a LatestTable in Space::kTable of a key-value store. Layout: docs/formats/data-directory.md.
// Guarantee: the port's, among all writers that share one KnownTimes (EmbeddedLatestStore sees to that).
// Durability: flush() makes durable what was written, unless the caller does that itself by a later write to the same store
//             (Durability::kBuffered).
// Thread-safety, blocking, errors: see the port. Ownership: the store must outlive the table.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "state/key_value_store.h"
#include "state/known_times.h"
#include "state/latest_content.h"
#include "state/latest_table.h"

namespace meterstream {

class EmbeddedLatestTable final : public LatestTable {
 public:
  EmbeddedLatestTable(KeyValueStore& store, std::string name, LatestContent content, Durability durability,
                      std::shared_ptr<KnownTimes> known);

  Status write(std::span<const LatestReadingView> readings) override;
  Status flush() override;
  Result<std::optional<int64_t>> activity(std::string_view gateway) override;
  Result<std::vector<LatestReading>> values(std::string_view gateway) override;
  Result<std::vector<std::string>> gateways(std::string_view prefix, size_t limit, const std::string* after) override;

 private:
  struct Waiting {
    int64_t timestamp_ms = 0;
    /// Nothing: the time alone is kept.
    std::optional<double> value;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };

  void collect(std::string_view key, int64_t timestamp_ms, std::optional<double> value);
  Status store_waiting();
  Result<std::optional<int64_t>> stored_time(const std::string& key) const;
  Result<std::vector<std::string>> gateways_by_activity(std::string_view prefix, size_t limit,
                                                        const std::string* after) const;
  Result<std::vector<std::string>> gateways_by_values(std::string_view prefix, size_t limit,
                                                      const std::string* after) const;

  KeyValueStore& store_;
  std::string name_;
  LatestContent content_;
  Durability durability_;
  std::shared_ptr<KnownTimes> known_;
  std::string activity_prefix_;
  std::string values_prefix_;
  /// The newest of each key since the last write to the store.
  std::unordered_map<std::string, Waiting, Hash, std::equal_to<>> waiting_;
  std::string key_;
  bool is_known_ = false;
  bool is_flushed_ = true;
};

/// Makes the table known. Pure: the caller writes `batch`.
void put_latest_table(std::string_view name, WriteBatch& batch);
/// Names of the tables that were written, ordered.
Result<std::vector<std::string>> list_latest_tables(const KeyValueStore& store);

}  // namespace meterstream
