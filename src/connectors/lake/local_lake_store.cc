#include "connectors/lake/local_lake_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace meterstream {
namespace {

constexpr std::string_view kUploads = "_uploads";

/// Whether the same call may succeed later, with nobody changing what is configured.
bool may_pass(int number) {
  constexpr std::array kPassing = {ENOSPC, EDQUOT, EIO,       EMFILE, ENFILE, EINTR,
                                   ESTALE, EAGAIN, ETIMEDOUT, ENOMEM, EBUSY};
  return std::ranges::find(kPassing, number) != kPassing.end();
}

Error from_errno(std::string_view what, const std::filesystem::path& path, int number) {
  std::string message = fmt::format("lake: {} {}: {}", what, path.string(), std::strerror(number));
  if (number == ENOENT) return not_found(std::move(message));
  if (!may_pass(number)) return invalid(std::move(message));
  if (number == ENOSPC || number == EDQUOT) message += "; make room, the sink goes on by itself";
  return unavailable(std::move(message));
}

class File {
 public:
  File(const std::filesystem::path& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

Status sync_directory(const std::filesystem::path& path) {
  const File directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || ::fsync(directory.descriptor()) != 0) return from_errno("cannot sync", path, errno);
  return {};
}

Status write_file(const std::filesystem::path& path, std::string_view bytes) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) return from_errno("cannot create", path, errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.descriptor(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return from_errno("cannot write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(file.descriptor()) != 0) return from_errno("cannot sync", path, errno);
  return {};
}

/// A name that no other writer has, in this process or another.
std::string upload_name() {
  static std::atomic<uint64_t> number = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{}-{}.{}-{}", ::getpid(), now.tv_sec, now.tv_nsec, number.fetch_add(1));
}

int64_t modified_ms(const struct stat& status) {
  return int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

}  // namespace

Result<std::unique_ptr<LocalLakeStore>> LocalLakeStore::open(const std::filesystem::path& root) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(root, error);
  if (error) return from_errno("cannot find", root, error.value());
  return std::unique_ptr<LocalLakeStore>(new LocalLakeStore(absolute.lexically_normal()));
}

bool LocalLakeStore::is_durable(const std::filesystem::path& directory) {
  const std::scoped_lock lock(mutex_);
  return durable_.contains(directory.native());
}

Status LocalLakeStore::make_directory(const std::filesystem::path& directory) {
  const std::filesystem::path parent = directory.parent_path();
  const bool is_inside = directory != root_ && directory.native().starts_with(root_.native());
  const bool was_durable = is_durable(directory);
  if (is_inside && !was_durable) RETURN_IF_ERROR(make_directory(parent));
  int number = ::mkdir(directory.c_str(), 0755) == 0 ? 0 : errno;
  if (number == ENOENT && directory.has_parent_path() && parent != directory) {
    RETURN_IF_ERROR(make_directory(parent));
    number = ::mkdir(directory.c_str(), 0755) == 0 ? 0 : errno;
  }
  if (number != 0 && number != EEXIST) return from_errno("cannot make directory", directory, number);
  if (number == EEXIST && was_durable) return {};
  // One that is there may be of a process that died, or of a call that failed, before the directory above it was synced.
  Status synced = sync_directory(parent);
  // What is above the lake and was there may belong to others, who let nobody read it.
  const bool is_of_others = number == EEXIST && !is_inside;
  if (!synced && !(is_of_others && synced.error().code == ErrorCode::kInvalid)) return synced;
  const std::scoped_lock lock(mutex_);
  durable_.insert(directory.native());
  return {};
}

Result<std::vector<LakeStore::Entry>> LocalLakeStore::list(std::string_view directory) {
  std::vector<Entry> entries;
  std::error_code error;
  const std::filesystem::path top = root_ / directory;
  if (!std::filesystem::exists(top, error)) {
    if (error) return from_errno("cannot list", top, error.value());
    return entries;
  }
  for (auto file = std::filesystem::recursive_directory_iterator(top, error);
       !error && file != std::filesystem::recursive_directory_iterator(); file.increment(error)) {
    struct stat status{};
    // One that went away meanwhile is not there.
    if (::stat(file->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    entries.push_back({file->path().lexically_relative(root_).string(), status.st_size, modified_ms(status)});
  }
  // A directory that went away in between: what was found so far is not all.
  if (error.value() == ENOENT) {
    return unavailable(fmt::format("lake: cannot list {}: {}", top.string(), error.message()));
  }
  if (error) return from_errno("cannot list", top, error.value());
  std::ranges::sort(entries, {}, &Entry::path);
  return entries;
}

Result<std::string> LocalLakeStore::read(std::string_view path) {
  const std::filesystem::path name = root_ / path;
  const File file(name, O_RDONLY);
  if (!file.is_open()) return from_errno("cannot read", name, errno);
  std::string bytes;
  struct stat status{};
  if (::fstat(file.descriptor(), &status) == 0) bytes.resize(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(file.descriptor(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return from_errno("cannot read", name, errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

Result<bool> LocalLakeStore::put(std::string_view path, std::string_view bytes, Exists exists) {
  const std::filesystem::path target = root_ / path;
  const std::filesystem::path upload = root_ / kUploads / upload_name();
  RETURN_IF_ERROR(make_directory(upload.parent_path()));
  RETURN_IF_ERROR(make_directory(target.parent_path()));
  if (Status written = write_file(upload, bytes); !written) {
    ::unlink(upload.c_str());
    return std::move(written).error();
  }
  bool is_written = true;
  if (exists == Exists::kReplace) {
    if (::rename(upload.c_str(), target.c_str()) != 0) {
      const int number = errno;
      ::unlink(upload.c_str());
      return from_errno("cannot write", target, number);
    }
  } else {
    const int number = ::link(upload.c_str(), target.c_str()) == 0 ? 0 : errno;
    ::unlink(upload.c_str());
    if (number != 0 && number != EEXIST) return from_errno("cannot write", target, number);
    is_written = number == 0;
  }
  // Also when the object exists: it may be of a call whose sync failed.
  RETURN_IF_ERROR(sync_directory(target.parent_path()));
  return is_written;
}

Status LocalLakeStore::write(std::string_view path, std::string_view bytes) {
  ASSIGN_OR_RETURN([[maybe_unused]] const bool written, put(path, bytes, Exists::kReplace));
  return {};
}

Result<bool> LocalLakeStore::create(std::string_view path, std::string_view bytes) {
  return put(path, bytes, Exists::kKeep);
}

Status LocalLakeStore::remove(std::string_view path) {
  const std::filesystem::path target = root_ / path;
  if (::unlink(target.c_str()) != 0 && errno != ENOENT) return from_errno("cannot remove", target, errno);
  if (Status synced = sync_directory(target.parent_path()); !synced && synced.error().code != ErrorCode::kNotFound) {
    return synced;
  }
  return {};
}

}  // namespace meterstream
