// Purpose: a lake in a directory.
// Guarantee: see LakeStore. Bytes are written to _uploads/, synced, and moved to their place; the directory is synced too.
//            What a crash leaves in _uploads/ is never part of the lake.
// Thread-safety, blocking, errors: see LakeStore. A full disk is kUnavailable; what cannot
//            pass by itself (a name too long, a file where a directory must be) is kInvalid.
#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include "connectors/lake/lake_store.h"

namespace meterstream {

class LocalLakeStore final : public LakeStore {
 public:
  /// The directory is made with the first object.
  static Result<std::unique_ptr<LocalLakeStore>> open(const std::filesystem::path& root);

  Result<std::vector<Entry>> list(std::string_view directory) override;
  Result<std::string> read(std::string_view path) override;
  Status write(std::string_view path, std::string_view bytes) override;
  Result<bool> create(std::string_view path, std::string_view bytes) override;
  Status remove(std::string_view path) override;
  [[nodiscard]] std::string place() const override { return root_.string(); }

 private:
  explicit LocalLakeStore(std::filesystem::path root) : root_(std::move(root)) {}

  enum class Exists : uint8_t { kReplace, kKeep };
  Result<bool> put(std::string_view path, std::string_view bytes, Exists exists);
  Status make_directory(const std::filesystem::path& directory);
  bool is_durable(const std::filesystem::path& directory);

  std::filesystem::path root_;
  std::mutex mutex_;
  /// Directories whose names are synced, as far as this object knows.
  std::set<std::string> durable_;
};

}  // namespace meterstream
