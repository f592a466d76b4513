#include "state/rocksdb_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <isa-l/crc.h>
#include <unistd.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormatName = "FORMAT";
constexpr std::string_view kFormatStart = "meterstream data directory, format ";
constexpr int kFormatVersion = 1;
constexpr const char* kChecksumName = "MeterstreamCrc32c";

class Crc32cGenerator final : public rocksdb::FileChecksumGenerator {
 public:
  void Update(const char* data, size_t size) override {
    auto* position = reinterpret_cast<unsigned char*>(const_cast<char*>(data));
    constexpr size_t kStep = size_t{1} << 30;
    while (size > 0) {
      const size_t step = std::min(size, kStep);
      crc_ = crc32_iscsi(position, static_cast<int>(step), crc_);
      position += step;
      size -= step;
    }
  }
  void Finalize() override {
    text_.clear();
    append_big_endian32(text_, ~crc_);
  }
  [[nodiscard]] std::string GetChecksum() const override { return text_; }
  [[nodiscard]] const char* Name() const override { return kChecksumName; }

 private:
  uint32_t crc_ = 0xffffffffU;
  std::string text_;
};

class Crc32cFactory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& /*context*/) override {
    return std::make_unique<Crc32cGenerator>();
  }
  [[nodiscard]] const char* Name() const override { return kChecksumName; }
};

struct File {
  int descriptor;
  explicit File(int opened) : descriptor(opened) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

Error system_error(const fs::path& path, std::string_view doing) {
  const int number = errno;
  const std::string what = fmt::format("{} {}: {}", doing, path.string(), std::strerror(number));
  if (number == ENOSPC || number == EDQUOT) return unavailable(what + "; free some space and start again");
  if (number == EACCES || number == EPERM || number == EROFS)
    return unavailable(what + "; give this user the right to write there, or choose another --data-dir");
  return unavailable(what);
}

Result<std::string> read_small_file(const fs::path& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor < 0) return system_error(path, "opening");
  char bytes[256];
  const ssize_t size = ::read(file.descriptor, bytes, sizeof bytes);
  if (size < 0) return system_error(path, "reading");
  return std::string(bytes, static_cast<size_t>(size));
}

// Whole or not at all, also when the power fails.
Status write_small_file(const fs::path& path, std::string_view text) {
  const fs::path temporary = path.string() + ".new";
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.descriptor < 0) return system_error(temporary, "creating");
    const ssize_t written = ::write(file.descriptor, text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()) || ::fsync(file.descriptor) != 0)
      return system_error(temporary, "writing");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error(path, "creating");
  const File folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.descriptor < 0 || ::fsync(folder.descriptor) != 0) return system_error(path.parent_path(), "syncing");
  return {};
}

Status check_format(const fs::path& directory) {
  ASSIGN_OR_RETURN(const std::string text, read_small_file(directory / kFormatName));
  if (!text.starts_with(kFormatStart) || text.back() != '\n')
    return corrupt(fmt::format("{} is not what Meterstream wrote; restore it, or choose another --data-dir",
                               (directory / kFormatName).string()));
  const std::string version = text.substr(kFormatStart.size(), text.size() - kFormatStart.size() - 1);
  if (version != std::to_string(kFormatVersion))
    return invalid(
        fmt::format("data directory {} has format {}, this program reads format {}; use the program that "
                    "wrote it, or choose another --data-dir",
                    directory.string(), version, kFormatVersion));
  return {};
}

// Process that holds the store's lock. Only for another process: closing the file would drop a lock of our own.
std::optional<pid_t> lock_owner(const fs::path& store) {
  const File file(::open((store / "LOCK").c_str(), O_RDWR | O_CLOEXEC));
  if (file.descriptor < 0) return std::nullopt;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.descriptor, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return lock.l_pid;
}

// RocksDB does not say which of its write-ahead log files is damaged.
std::string write_ahead_log_files(const fs::path& store) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(store, ignored)) {
    if (entry.path().extension() == ".log") names.push_back(entry.path().string());
  }
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> make_file_checksum_factory() {
  return std::make_shared<Crc32cFactory>();
}

Result<std::string> checksum_of_file(const fs::path& path, uint64_t size,
                                     const std::function<bool(uint64_t)>& on_bytes) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor < 0) return system_error(path, "opening");
  Crc32cGenerator generator;
  std::vector<char> buffer(size_t{1} << 20);
  while (size > 0) {
    const ssize_t count = ::read(file.descriptor, buffer.data(), std::min<uint64_t>(size, buffer.size()));
    if (count < 0) return system_error(path, "reading");
    if (count == 0) break;  // too short: the checksum will not fit either
    generator.Update(buffer.data(), static_cast<size_t>(count));
    size -= static_cast<uint64_t>(count);
    if (!on_bytes(static_cast<uint64_t>(count))) return cancelled("the check was stopped");
  }
  generator.Finalize();
  return generator.GetChecksum();
}

Status prepare_data_directory(const fs::path& directory, bool create) {
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (status.type() == fs::file_type::not_found) {
    if (!create)
      return not_found(
          fmt::format("data directory {} does not exist; choose another --data-dir, or fill it with "
                      "'meterstream replay'",
                      directory.string()));
    fs::create_directories(directory, error);
    if (error) {
      errno = error.value();
      return system_error(directory, "creating data directory");
    }
  } else if (error) {
    errno = error.value();
    return system_error(directory, "looking at data directory");
  } else if (status.type() != fs::file_type::directory) {
    return invalid(fmt::format("{} is not a directory; choose another --data-dir", directory.string()));
  }
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) return system_error(directory, "using data directory");
  if (fs::exists(directory / kFormatName, error)) return check_format(directory);
  if (fs::exists(directory / "store", error))
    return invalid(
        fmt::format("{} has a folder 'store' but no file {}: it is not a data directory of Meterstream, or "
                    "is half copied; choose another --data-dir",
                    directory.string(), kFormatName));
  if (!create)
    return not_found(
        fmt::format("there is no Meterstream data in {}; choose another --data-dir, or fill it with "
                    "'meterstream replay'",
                    directory.string()));
  return write_small_file(directory / kFormatName, fmt::format("{}{}\n", kFormatStart, kFormatVersion));
}

Error error_of(const rocksdb::Status& status, const fs::path& path) {
  const std::string text = status.ToString();
  if (status.IsCorruption())
    return corrupt(
        fmt::format("data directory {} is damaged: {}; run 'meterstream doctor --data-dir {}', and restore it "
                    "from a copy",
                    path.string(), text, path.string()));
  if (status.IsNoSpace() || contains(text, "No space left on device"))
    return unavailable(
        fmt::format("disk full in data directory {}: {}; free some space and start again", path.string(), text));
  if (contains(text, "Too many open files"))
    return unavailable(fmt::format("too many open files for data directory {}: {}; raise 'ulimit -n' and start again",
                                   path.string(), text));
  if (contains(text, "Permission denied"))
    return unavailable(
        fmt::format("no permission in data directory {}: {}; give this user the right to write there, or "
                    "choose another --data-dir",
                    path.string(), text));
  return unavailable(fmt::format("data directory {}: {}", path.string(), text));
}

Error open_error_of(const rocksdb::Status& status, const fs::path& path) {
  const std::string text = status.ToString();
  const bool own_lock = contains(text, "lock hold by current process");
  if (own_lock) return conflict(fmt::format("data directory {} is open in this process already", path.string()));
  if (status.IsIOError() && contains(text, "LOCK") && contains(text, "lock")) {
    if (const auto owner = lock_owner(path / "store"))
      return conflict(fmt::format("data directory {} is in use by process {}; stop it or choose another --data-dir",
                                  path.string(), *owner));
  }
  const bool names_file =
      contains(text, ".sst") || contains(text, ".blob") || contains(text, "MANIFEST") || contains(text, "CURRENT");
  if (status.IsCorruption() && !names_file)
    return corrupt(fmt::format("data directory {} is damaged in its write-ahead log ({}): {}; restore it from a copy",
                               path.string(), write_ahead_log_files(path / "store"), text));
  if (status.IsInvalidArgument() || status.IsNotSupported())
    return invalid(fmt::format("data directory {} cannot be opened by this version: {}", path.string(), text));
  return error_of(status, path);
}

}  // namespace meterstream
