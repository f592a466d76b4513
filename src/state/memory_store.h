// Purpose: KeyValueStore in memory, for small state that lives elsewhere for good (a mirror of a changelog).
// Guarantee: the port's, except that nothing outlives the object.
// Thread-safety: the port's. A cursor sees a copy of its space, so keep spaces small.
// Errors: none.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "state/key_value_store.h"

namespace meterstream {

class MemoryStore final : public KeyValueStore {
 public:
  Status write(const WriteBatch& batch, Durability durability) override;
  Result<std::optional<PinnedValue>> get(Space space, std::string_view key) const override;
  [[nodiscard]] std::unique_ptr<KeyValueCursor> cursor(Space space) const override;

 private:
  class Cursor;
  using Rows = std::map<std::string, std::shared_ptr<const std::string>, std::less<>>;

  mutable std::mutex mutex_;
  std::array<Rows, kSpaceCount> spaces_;
};

}  // namespace meterstream
