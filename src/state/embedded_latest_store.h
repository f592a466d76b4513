// Purpose: the latest tables of a data directory, by name. Layout: docs/formats/data-directory.md.
// Thread-safety: all methods may be called concurrently; a table belongs to one thread at a time.
// Guarantee: the writers of one table see each other's writes, so none takes it back in time.
// Ownership: one EmbeddedLatestStore for a key-value store, which must outlive it and its tables. Tables may outlive this.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "state/key_value_store.h"
#include "state/known_times.h"
#include "state/latest_content.h"
#include "state/latest_table.h"

namespace meterstream {

class EmbeddedLatestStore {
 public:
  /// With kBuffered flush() leaves it to a later synced write to `store` to make writes durable.
  explicit EmbeddedLatestStore(KeyValueStore& store, Durability durability = Durability::kSync)
      : store_(store), durability_(durability) {}

  /// A writer and reader of the table; it exists from its first reading on.
  std::unique_ptr<LatestTable> open(std::string_view name, LatestContent content = LatestContent::kActivityAndValues);
  /// Names of the tables that hold something, ordered.
  [[nodiscard]] Result<std::vector<std::string>> tables() const;

 private:
  KeyValueStore& store_;
  Durability durability_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<KnownTimes>, std::less<>> known_;
};

}  // namespace meterstream
