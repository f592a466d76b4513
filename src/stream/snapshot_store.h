// Purpose: keeps snapshots of a task's state in a key-value store, one complete snapshot at a time.
// Guarantee: a snapshot is durable when write() returns; until the caller commits its name, nobody looks at it.
// Thread-safety: none; each task uses its own name.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "state/key_value_store.h"
#include "stream/pass_processor.h"

namespace meterstream {

class SnapshotStore {
 public:
  /// `task` names the task: no two tasks of a data directory share it.
  SnapshotStore(KeyValueStore& store, std::string_view task);

  /// Writes the state of `pass` and returns the name of the snapshot and its size.
  struct Written {
    std::string name;
    int64_t bytes = 0;
  };
  Result<Written> write(const PassProcessor& pass);
  /// kCorrupt when the snapshot is missing or does not read back.
  Status load(std::string_view name, PassProcessor& pass) const;
  /// Erases every snapshot of the task but `name`.
  Status keep_only(std::string_view name);
  Status erase_all();

 private:
  KeyValueStore& store_;
  std::string prefix_;
  uint64_t next_number_ = 1;
};

}  // namespace meterstream
