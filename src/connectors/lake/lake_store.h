// Purpose: port of what holds the lake's objects: a directory or a bucket.
// Guarantee: write() and create() make an object whole or not at all, and durable when they return; a reader sees the old
//            bytes or the new ones. Paths are relative to the lake, with '/'.
// Thread-safety: all methods may be called concurrently. All may block: for the disk, or the network and its retries.
// Errors: kUnavailable (disk full, network, server: retry), kNotFound (read of what is not there, no such bucket),
//         kInvalid (refused: a login, a right).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "connectors/lake/lake_settings.h"

namespace meterstream {

class LakeStore {
 public:
  struct Entry {
    std::string path;
    int64_t bytes = 0;
    /// UTC, by the store's clock.
    int64_t modified_ms = 0;
  };

  virtual ~LakeStore() = default;
  /// All objects below `directory` ("" for all), ordered by path. None when there is no such directory.
  virtual Result<std::vector<Entry>> list(std::string_view directory) = 0;
  virtual Result<std::string> read(std::string_view path) = 0;
  /// Replaces what is there.
  virtual Status write(std::string_view path, std::string_view bytes) = 0;
  /// False, and nothing is written, when the object exists. A directory decides between two that try at once; S3 looks
  /// first and writes then.
  virtual Result<bool> create(std::string_view path, std::string_view bytes) = 0;
  /// One that is not there is removed already.
  virtual Status remove(std::string_view path) = 0;
  /// For people: the directory, or s3://bucket/prefix.
  [[nodiscard]] virtual std::string place() const = 0;
};

/// The store that the settings name, with retries. `clock` must outlive it. A directory is made with the first object.
Result<std::unique_ptr<LakeStore>> open_lake_store(const LakeSettings& settings, const Clock& clock);

}  // namespace meterstream
