// Purpose: keeps pages of window state on disk while they do not fit the memory budget. Scratch, not durability: the
//          pages are erased at start, and the truth is the log plus the snapshots.
// Thread-safety: concurrent use by several tasks; each page belongs to one of them.
// Errors: those of the store (kUnavailable when the disk is full).
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/result.h"
#include "state/key_value_store.h"

namespace meterstream {

class PageSpill {
 public:
  /// Pages live under `scratch/<owner>/` in Space::kState; what an earlier run left there is erased on the first put.
  PageSpill(KeyValueStore& store, std::string_view owner);

  Status put(uint64_t page, std::string_view bytes);
  /// Copies the page to `bytes` (exactly `size`), then forgets it.
  Status take(uint64_t page, char* bytes, size_t size);
  /// A page that is not shorter than `least_size`, without forgetting it.
  [[nodiscard]] Result<std::string> read(uint64_t page, size_t least_size) const;
  /// Copies without forgetting.
  Status peek(uint64_t page, char* bytes, size_t size) const;
  Status erase(uint64_t page);

  [[nodiscard]] int64_t pages_written() const { return pages_written_; }
  [[nodiscard]] int64_t pages_read() const { return pages_read_; }

 private:
  [[nodiscard]] std::string key_of(uint64_t page) const;
  [[nodiscard]] Error unusable(uint64_t page) const;

  KeyValueStore& store_;
  std::string prefix_;
  bool cleared_ = false;
  int64_t pages_written_ = 0;
  mutable int64_t pages_read_ = 0;
};

}  // namespace meterstream
