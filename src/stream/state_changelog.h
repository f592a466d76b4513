// Purpose: keeps the state of a pass in a key-value store by what each commit changed, so that a restart goes on at once.
// Guarantee: state and positions that were committed in one transaction are found to belong together, or the load says not.
//            Only puts and erases of single keys are used, so the same writes can fill a mirror, as a compacted topic does.
// Thread-safety: none; one changelog belongs to one task.
// Errors: kCorrupt when the state is of another commit than the positions or does not read back; those of the store.
// Format: docs/formats/data-directory.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/pass_processor.h"

namespace meterstream {

class StateChangelog {
 public:
  /// Where a partition stands at a commit.
  struct Place {
    PartitionId partition;
    Offset next;
    bool operator==(const Place&) const = default;
  };

  /// `task` names the task: no two tasks of a store share it.
  StateChangelog(const KeyValueStore& store, std::string_view task);

  /// Fills a new `pass`, whose keys are loaded, with the state of the commit of that number.
  Status load(int64_t commit, const std::vector<Place>& places, PassProcessor& pass);
  /// Instead of load(): nothing that is there now will be used, and the next save() or drop() erases it.
  Status forget();

  /// Adds what changed since the last save() or load() to `batch`, and returns the number of the commit.
  Result<int64_t> save(const std::vector<Place>& places, PassProcessor& pass, WriteBatch& batch);
  /// Adds the erasure of what forget() found; for commits that leave the state out.
  void drop(WriteBatch& batch);

 private:
  [[nodiscard]] std::string mark_key() const;

  const KeyValueStore& store_;
  std::string task_;
  std::string prefix_;
  int64_t commit_ = 0;
  std::vector<std::string> outdated_;
};

}  // namespace meterstream
