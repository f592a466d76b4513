#include "state/embedded_latest_store.h"

#include "state/embedded_latest_table.h"

namespace meterstream {

std::unique_ptr<LatestTable> EmbeddedLatestStore::open(std::string_view name, LatestContent content) {
  const std::scoped_lock lock(mutex_);
  auto found = known_.find(name);
  if (found == known_.end()) found = known_.emplace(std::string(name), std::make_shared<KnownTimes>()).first;
  return std::make_unique<EmbeddedLatestTable>(store_, std::string(name), content, durability_, found->second);
}

Result<std::vector<std::string>> EmbeddedLatestStore::tables() const {
  return list_latest_tables(store_);
}

}  // namespace meterstream
