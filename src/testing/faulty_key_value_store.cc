#include "testing/faulty_key_value_store.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

namespace meterstream {
namespace {

Error down() {
  return unavailable("the store is down: the modelled process died; call crash() and use its result");
}

size_t index_of(Space space) {
  return static_cast<size_t>(space);
}

}  // namespace

std::string_view name_of(StoreFault fault) {
  switch (fault) {
    case StoreFault::kNone:
      return "none";
    case StoreFault::kCrashBefore:
      return "crash before write";
    case StoreFault::kCrashAfter:
      return "crash after write";
    case StoreFault::kTornWrite:
      return "torn write";
    case StoreFault::kSyncFails:
      return "sync fails";
    case StoreFault::kNoSpace:
      return "no space";
  }
  return "unknown";
}

// Sees the versions up to its sequence; finds its place again at every step, so writers may go on.
class FaultyKeyValueStore::Cursor final : public KeyValueCursor {
 public:
  Cursor(const FaultyKeyValueStore& store, Space space) : store_(store), map_(store.spaces_[index_of(space)]) {
    const std::unique_lock lock(store_.mutex_);
    is_down_ = store_.down_;
    sequence_ = store_.sequence_;
    store_.snapshots_.insert(sequence_);
  }
  ~Cursor() override {
    const std::unique_lock lock(store_.mutex_);
    store_.snapshots_.erase(store_.snapshots_.find(sequence_));
  }

  void seek(std::string_view key) override {
    const std::shared_lock lock(store_.mutex_);
    settle_forward(map_.lower_bound(key));
  }
  void seek_for_previous(std::string_view key) override {
    const std::shared_lock lock(store_.mutex_);
    settle_backward(map_.upper_bound(key));
  }
  void next() override {
    const std::shared_lock lock(store_.mutex_);
    settle_forward(map_.upper_bound(key_));
  }
  void previous() override {
    const std::shared_lock lock(store_.mutex_);
    settle_backward(map_.lower_bound(key_));
  }
  [[nodiscard]] bool valid() const override { return value_ != nullptr; }
  [[nodiscard]] std::string_view key() const override { return key_; }
  [[nodiscard]] std::string_view value() const override { return *value_; }
  [[nodiscard]] Status status() const override {
    if (is_down_) return down();
    return {};
  }

 private:
  bool take(VersionMap::const_iterator entry) {
    const std::vector<Version>& versions = entry->second;
    const auto newer = std::ranges::upper_bound(versions, sequence_, {}, &Version::sequence);
    if (newer == versions.begin() || std::prev(newer)->value == nullptr) return false;
    key_ = entry->first;
    value_ = std::prev(newer)->value;
    return true;
  }
  void settle_forward(VersionMap::const_iterator entry) {
    value_ = nullptr;
    if (is_down_) return;
    for (; entry != map_.end(); ++entry) {
      if (take(entry)) return;
    }
  }
  // To the last visible entry before `entry`.
  void settle_backward(VersionMap::const_iterator entry) {
    value_ = nullptr;
    if (is_down_) return;
    while (entry != map_.begin()) {
      if (take(--entry)) return;
    }
  }

  const FaultyKeyValueStore& store_;
  const VersionMap& map_;
  uint64_t sequence_ = 0;
  bool is_down_ = false;
  std::string key_;
  Value value_;
};

FaultyKeyValueStore::FaultyKeyValueStore(StoreFaultPlan plan) : plan_(std::move(plan)), random_(plan_.seed) {}
FaultyKeyValueStore::~FaultyKeyValueStore() = default;

StoreFault FaultyKeyValueStore::next_fault() {
  const uint64_t number = write_number_++;
  if (const auto planned = plan_.at_write.find(number); planned != plan_.at_write.end()) return planned->second;
  if (plan_.fault_probability <= 0) return StoreFault::kNone;
  // Own arithmetic instead of a distribution: those differ between standard libraries, and seeds must not.
  if (static_cast<double>(random_() >> 11) * 0x1.0p-53 >= plan_.fault_probability) return StoreFault::kNone;
  return static_cast<StoreFault>(1 + random_() % 5);
}

FaultyKeyValueStore::LoggedBatch FaultyKeyValueStore::logged(const WriteBatch& batch) {
  LoggedBatch copy;
  copy.bytes = 12;
  for (const WriteBatch::Operation& operation : batch.operations()) {
    copy.operations.push_back(
        {operation.kind, operation.space, operation.key, std::make_shared<const std::string>(operation.value)});
    copy.bytes += operation.key.size() + operation.value.size() + 4;
  }
  return copy;
}

Status FaultyKeyValueStore::write(const WriteBatch& batch, Durability durability) {
  const std::unique_lock lock(mutex_);
  if (down_) return down();
  if (sync_failed_) return unavailable("the store stopped writing after a failed sync; close it and open it again");
  ++counters_.writes;
  const StoreFault fault = next_fault();
  if (fault != StoreFault::kNone) ++counters_.faults;
  switch (fault) {
    case StoreFault::kNoSpace:
      return unavailable("no space left on device; free some and try again");
    case StoreFault::kCrashBefore:
      down_ = true;
      return down();
    case StoreFault::kTornWrite:
      unsynced_.push_back(logged(batch));
      unsynced_.back().torn = true;
      down_ = true;
      return down();
    case StoreFault::kSyncFails:
      unsynced_.push_back(logged(batch));
      sync_failed_ = true;
      return unavailable("sync of the write-ahead log failed: input/output error; close the store and open it again");
    case StoreFault::kNone:
    case StoreFault::kCrashAfter:
      break;
  }
  unsynced_.push_back(logged(batch));
  apply(unsynced_.back());
  if (durability == Durability::kSync) sync();
  if (fault == StoreFault::kCrashAfter) {
    down_ = true;
    return down();
  }
  return {};
}

void FaultyKeyValueStore::apply(const LoggedBatch& batch) {
  ++sequence_;
  for (const Operation& operation : batch.operations) {
    VersionMap& map = spaces_[index_of(operation.space)];
    switch (operation.kind) {
      case WriteBatch::Operation::Kind::kPut:
        set_version(map, map.try_emplace(operation.key).first, operation.value);
        break;
      case WriteBatch::Operation::Kind::kErase:
        if (const auto entry = map.find(operation.key); entry != map.end()) set_version(map, entry, nullptr);
        break;
      case WriteBatch::Operation::Kind::kEraseRange: {
        auto entry = map.lower_bound(operation.key);
        while (entry != map.end() && entry->first < *operation.value) set_version(map, entry++, nullptr);
        break;
      }
    }
  }
}

void FaultyKeyValueStore::set_version(VersionMap& map, VersionMap::iterator entry, Value value) {
  std::vector<Version>& versions = entry->second;
  if (!versions.empty() && versions.back().sequence == sequence_)
    versions.back().value = std::move(value);
  else
    versions.push_back({sequence_, std::move(value)});
  // Versions that no cursor can see go.
  const uint64_t oldest = snapshots_.empty() ? sequence_ : *snapshots_.begin();
  auto first_needed = std::ranges::upper_bound(versions, oldest, {}, &Version::sequence);
  if (first_needed != versions.begin()) --first_needed;
  versions.erase(versions.begin(), first_needed);
  if (versions.size() == 1 && versions.front().value == nullptr) map.erase(entry);
}

void FaultyKeyValueStore::sync() {
  ++counters_.syncs;
  for (const LoggedBatch& batch : unsynced_) apply_to(stable_, batch);
  unsynced_.clear();
}

void FaultyKeyValueStore::apply_to(Image& image, const LoggedBatch& batch) {
  for (const Operation& operation : batch.operations) {
    auto& map = image[index_of(operation.space)];
    switch (operation.kind) {
      case WriteBatch::Operation::Kind::kPut:
        map[operation.key] = operation.value;
        break;
      case WriteBatch::Operation::Kind::kErase:
        map.erase(operation.key);
        break;
      case WriteBatch::Operation::Kind::kEraseRange:
        if (operation.key < *operation.value)
          map.erase(map.lower_bound(operation.key), map.lower_bound(*operation.value));
        break;
    }
  }
}

Result<std::optional<PinnedValue>> FaultyKeyValueStore::get(Space space, std::string_view key) const {
  const std::shared_lock lock(mutex_);
  if (down_) return down();
  reads_.fetch_add(1, std::memory_order_relaxed);
  const VersionMap& map = spaces_[index_of(space)];
  const auto entry = map.find(key);
  if (entry == map.end() || entry->second.back().value == nullptr) return std::nullopt;
  const Value& value = entry->second.back().value;
  return PinnedValue{*value, value};
}

std::unique_ptr<KeyValueCursor> FaultyKeyValueStore::cursor(Space space) const {
  reads_.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<Cursor>(*this, space);
}

std::unique_ptr<FaultyKeyValueStore> FaultyKeyValueStore::crash(StoreCrash kind, StoreFaultPlan next_plan) {
  const std::unique_lock lock(mutex_);
  size_t bytes = 0;
  for (const LoggedBatch& batch : unsynced_) bytes += batch.torn ? batch.bytes / 2 : batch.bytes;
  const size_t kept_bytes = kind == StoreCrash::kProcessKilled ? bytes : random_() % (bytes + 1);
  auto survivor = std::make_unique<FaultyKeyValueStore>(std::move(next_plan));
  size_t position = 0;
  size_t kept = 0;
  for (const LoggedBatch& batch : unsynced_) {
    position += batch.bytes;
    if (batch.torn || position > kept_bytes) break;
    apply_to(stable_, batch);
    ++kept;
  }
  survivor->counters_.batches_lost = unsynced_.size() - kept;
  for (size_t space = 0; space < kSpaceCount; ++space) {
    for (const auto& [key, value] : stable_[space]) survivor->spaces_[space][key].push_back({0, value});
  }
  survivor->stable_ = std::move(stable_);
  stable_ = {};
  unsynced_.clear();
  down_ = true;
  return survivor;
}

bool FaultyKeyValueStore::is_down() const {
  const std::shared_lock lock(mutex_);
  return down_;
}

void FaultyKeyValueStore::set_plan(StoreFaultPlan plan) {
  const std::unique_lock lock(mutex_);
  plan_ = std::move(plan);
  random_.seed(plan_.seed);
  write_number_ = 0;
}

bool FaultyKeyValueStore::damage(Space space, std::string_view key, size_t bit) {
  const std::unique_lock lock(mutex_);
  VersionMap& map = spaces_[index_of(space)];
  const auto entry = map.find(key);
  if (entry == map.end() || entry->second.back().value == nullptr || entry->second.back().value->empty()) return false;
  std::string changed = *entry->second.back().value;
  char& byte = changed[bit / 8 % changed.size()];
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  entry->second.back().value = std::make_shared<const std::string>(std::move(changed));
  return true;
}

FaultyKeyValueStore::Counters FaultyKeyValueStore::counters() const {
  const std::shared_lock lock(mutex_);
  Counters counters = counters_;
  counters.reads = reads_.load(std::memory_order_relaxed);
  return counters;
}

}  // namespace meterstream
