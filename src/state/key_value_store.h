// Purpose: port of the ordered, durable store beneath the embedded log, the state and the serving tables.
// Shapes: byte-string keys, ordered as unsigned bytes inside their space. A WriteBatch is atomic across spaces.
// Durability: write(kSync) returns after this write and all before it are on stable storage; a crash loses at most a
//             suffix of the kBuffered writes, never a part of one batch and never one before a later surviving one.
// Thread-safety: all methods may be called concurrently; a cursor belongs to one thread and sees one snapshot.
// Errors: kUnavailable (disk full, I/O failed: nothing of the batch is visible, and after a failed sync every later
//         write fails too until the store is reopened); kCorrupt (checksum mismatch on read).
// Ownership: views from a cursor or a PinnedValue live until that object moves on or dies.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"

namespace meterstream {

enum class Space : uint8_t {
  kMeta,   ///< topics, positions, schemas, catalog: small and hot
  kLog,    ///< record batches: large values, appended and dropped in order
  kState,  ///< snapshots of operators
  kTable,  ///< rows that `query` serves
};
inline constexpr size_t kSpaceCount = 4;

enum class Durability : uint8_t { kBuffered, kSync };

/// Writes applied in order, all or none.
class WriteBatch {
 public:
  struct Operation {
    enum class Kind : uint8_t { kPut, kErase, kEraseRange };
    Kind kind;
    Space space;
    std::string key;
    std::string value;  ///< for kEraseRange: the first key that stays
  };

  void put(Space space, std::string key, std::string value) {
    operations_.push_back({Operation::Kind::kPut, space, std::move(key), std::move(value)});
  }
  void erase(Space space, std::string key) {
    operations_.push_back({Operation::Kind::kErase, space, std::move(key), {}});
  }
  /// Erases keys in [first, limit).
  void erase_range(Space space, std::string first, std::string limit) {
    operations_.push_back({Operation::Kind::kEraseRange, space, std::move(first), std::move(limit)});
  }
  /// Orders the writes by space and key, which a store takes faster; writes to one key keep their order. Only for batches
  /// of puts.
  void sort_puts() {
    std::stable_sort(operations_.begin(), operations_.end(), [](const Operation& a, const Operation& b) {
      return std::tie(a.space, a.key) < std::tie(b.space, b.key);
    });
  }
  /// Moves all of `other` behind what is here.
  void append(WriteBatch&& other) {
    for (Operation& operation : other.operations_) operations_.push_back(std::move(operation));
    other.operations_.clear();
  }

  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  /// Moves the value of operations()[index] out, for a caller that goes on using it after the write.
  [[nodiscard]] std::string take_value(size_t index) { return std::move(operations_[index].value); }
  [[nodiscard]] bool empty() const { return operations_.empty(); }
  void clear() { operations_.clear(); }

 private:
  std::vector<Operation> operations_;
};

/// A value and whatever keeps its bytes alive.
struct PinnedValue {
  std::string_view bytes;
  std::shared_ptr<const void> owner;
};

/// Walks one space in key order over a snapshot taken when it was made.
class KeyValueCursor {
 public:
  virtual ~KeyValueCursor() = default;
  /// To the first key >= `key`.
  virtual void seek(std::string_view key) = 0;
  /// To the last key <= `key`.
  virtual void seek_for_previous(std::string_view key) = 0;
  virtual void next() = 0;
  virtual void previous() = 0;
  /// False past either end, and after an error; then status() tells which.
  [[nodiscard]] virtual bool valid() const = 0;
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;  ///< empty when reading it failed: see status()
  [[nodiscard]] virtual Status status() const = 0;
};

class BulkBatch;

class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;
  virtual Status write(const WriteBatch& batch, Durability durability) = 0;
  /// As write(kSync), for megabytes at a time, which a store may take without its write-ahead log. kInvalid when
  /// something is for kLog.
  virtual Status write_bulk(BulkBatch batch);
  /// The failure after which no write can succeed until the store is opened again, if there was one.
  [[nodiscard]] virtual Status condition() const { return {}; }
  /// nullopt when the key does not exist.
  virtual Result<std::optional<PinnedValue>> get(Space space, std::string_view key) const = 0;
  [[nodiscard]] virtual std::unique_ptr<KeyValueCursor> cursor(Space space) const = 0;
};

}  // namespace meterstream
