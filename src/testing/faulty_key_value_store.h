// Purpose: a KeyValueStore in memory that breaks on request, for tests and simulations.
// Model: every write goes to a modelled write-ahead log; kSync makes all of that log stable. A power loss cuts the part
//        that is not stable at a random byte: whole batches before the cut survive, the cut one is discarded whole.
// Determinism: the same plan and the same calls give the same faults and the same survivors.
// Thread-safety: as the port says.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "state/key_value_store.h"

namespace meterstream {

enum class StoreFault : uint8_t {
  kNone,
  kCrashBefore,  ///< the process dies before anything of the batch is written
  kCrashAfter,  ///< the process dies after the batch was written (and synced, when asked) but before it is acknowledged
  kTornWrite,   ///< the process dies with half of the batch written
  kSyncFails,   ///< error; the unsynced suffix, this batch included, may or may not survive; all later writes fail
  kNoSpace,     ///< error, nothing of the batch is kept; later writes may succeed
};

std::string_view name_of(StoreFault fault);

/// Which writes fail, and how. Writes are counted from 0 for each store object.
struct StoreFaultPlan {
  /// Of the survivors of a power loss, and of random faults.
  uint64_t seed = 0;
  std::map<uint64_t, StoreFault> at_write;
  /// Probability of a random fault of a random kind at each write that is not in `at_write`.
  double fault_probability = 0;

  static StoreFaultPlan fail_at(uint64_t write, StoreFault fault) { return {.at_write = {{write, fault}}}; }
  static StoreFaultPlan random(uint64_t seed, double fault_probability) {
    return {.seed = seed, .fault_probability = fault_probability};
  }
};

/// How a store goes down.
enum class StoreCrash : uint8_t {
  kProcessKilled,  ///< everything written survives, synced or not
  kPowerLoss,      ///< what was not synced survives up to a random byte
};

class FaultyKeyValueStore final : public KeyValueStore {
 public:
  struct Counters {
    uint64_t writes = 0;
    uint64_t syncs = 0;
    uint64_t reads = 0;
    uint64_t faults = 0;
    uint64_t batches_lost = 0;  ///< by crashes before this store was opened
  };

  explicit FaultyKeyValueStore(StoreFaultPlan plan = {});
  ~FaultyKeyValueStore() override;

  Status write(const WriteBatch& batch, Durability durability) override;
  Result<std::optional<PinnedValue>> get(Space space, std::string_view key) const override;
  /// Must not outlive the store.
  [[nodiscard]] std::unique_ptr<KeyValueCursor> cursor(Space space) const override;

  /// Takes the store down and opens what survives; this object then fails every call.
  std::unique_ptr<FaultyKeyValueStore> crash(StoreCrash kind, StoreFaultPlan next_plan = {});
  /// True after a fault that kills the process, until crash() is called.
  [[nodiscard]] bool is_down() const;
  /// Replaces the plan from the next write on; writes count from 0 again.
  void set_plan(StoreFaultPlan plan);
  /// Changes one bit of a stored value behind the store's back. False when the key does not exist.
  bool damage(Space space, std::string_view key, size_t bit);

  [[nodiscard]] Counters counters() const;

 private:
  class Cursor;
  using Value = std::shared_ptr<const std::string>;
  struct Version {
    uint64_t sequence = 0;
    Value value;  ///< null when erased
  };
  using VersionMap = std::map<std::string, std::vector<Version>, std::less<>>;
  using Image = std::array<std::map<std::string, Value, std::less<>>, kSpaceCount>;
  struct Operation {
    WriteBatch::Operation::Kind kind;
    Space space;
    std::string key;
    Value value;
  };
  struct LoggedBatch {
    std::vector<Operation> operations;
    size_t bytes = 0;
    bool torn = false;
  };

  StoreFault next_fault();
  void apply(const LoggedBatch& batch);
  void set_version(VersionMap& map, VersionMap::iterator entry, Value value);
  void sync();
  static void apply_to(Image& image, const LoggedBatch& batch);
  static LoggedBatch logged(const WriteBatch& batch);

  mutable std::shared_mutex mutex_;
  StoreFaultPlan plan_;
  std::mt19937_64 random_;
  std::array<VersionMap, kSpaceCount> spaces_;
  uint64_t sequence_ = 0;
  mutable std::multiset<uint64_t> snapshots_;
  Image stable_;
  std::deque<LoggedBatch> unsynced_;
  uint64_t write_number_ = 0;
  bool down_ = false;
  bool sync_failed_ = false;
  Counters counters_;
  mutable std::atomic<uint64_t> reads_ = 0;
};

}  // namespace meterstream
