// Purpose: the lags of a chain of views (see LagSpec): remembers a value for each record key and adds what it was before.
// Shapes: one column a lag, behind what is in the batch; entries of rows that are not asked for are NULL. Rows without a key
//         share one.
// Guarantee: what is remembered is saved with the positions, so that a restart goes on where the last commit was.
// Memory: as many values as it goes back, and the key, for each key that ever came.
// Thread-safety: none; one belongs to one task.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/decoded_batch.h"
#include "stream/key_interner.h"
#include "stream/view_spec.h"

namespace meterstream {

class LagColumns {
 public:
  /// `view` must outlive it.
  explicit LagColumns(const ViewSpec& view);

  /// In the order of `rows`.
  void add(DecodedBatch& batch, const std::vector<uint32_t>& rows, int64_t& faults);

  /// What changed since the last call, under keys that begin with `prefix`.
  void save_changes(std::string_view prefix, WriteBatch& batch);
  /// kCorrupt for what save_changes() did not write.
  Status load(std::string_view prefix, const KeyValueStore& store);

  [[nodiscard]] size_t bytes() const;

 private:
  struct Entry {
    bool changed = false;
    /// Of each lag as many as it goes back, the earliest first; nothing where there were not so many rows.
    std::vector<std::optional<ScalarValue>> values;
  };

  Entry& entry(std::string_view key);

  const std::vector<LagSpec>& lags_;
  size_t values_ = 0;  ///< of each key
  KeyInterner keys_;
  std::vector<Entry> entries_;  ///< by id of the key
  std::vector<uint32_t> changed_;
};

}  // namespace meterstream
