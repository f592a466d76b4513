// Purpose: a directory of its own for a test or benchmark, removed with the object.
// Thread-safety: a value of one owner; different objects never share a directory.
#pragma once

#include <filesystem>

namespace meterstream {

class TemporaryDirectory {
 public:
  /// In the system's folder for temporary files.
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace meterstream
