#include "state/value_segments.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

namespace meterstream {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "MSSEGMT\x01";

Error file_error(const fs::path& path, std::string_view doing, int number) {
  const std::string what = fmt::format("{} {}: {}", doing, path.string(), std::strerror(number));
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    return unavailable(fmt::format("disk full: {}; free some space and start again", what));
  if (number == EMFILE || number == ENFILE)
    return unavailable(fmt::format("{}; raise 'ulimit -n' and start again", what));
  if (number == EACCES || number == EPERM || number == EROFS)
    return unavailable(what + "; give this user the right to write there, or choose another --data-dir");
  return unavailable(what);
}

Error cut_short(const fs::path& path, uint64_t end) {
  return corrupt(fmt::format("{} ends before byte {}; restore the data directory from a copy", path.string(), end));
}

Status write_all(int descriptor, const fs::path& path, std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path, "writing", errno);
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

Status sync_directory(const fs::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return file_error(directory, "opening", errno);
  const int failed = ::fsync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  if (failed != 0) return file_error(directory, "syncing", failed);
  return {};
}

}  // namespace

std::string encode_inline_value(std::string_view value) {
  std::string stored(1, static_cast<char>(ValueForm::kInline));
  stored.append(value);
  return stored;
}

std::string encode_pointer(const ValuePointer& pointer, bool is_synced) {
  std::string stored(1, static_cast<char>(is_synced ? ValueForm::kSyncedPointer : ValueForm::kPointer));
  append_little_endian(stored, pointer.crc);
  append_little_endian(stored, pointer.segment);
  append_little_endian(stored, pointer.offset);
  append_little_endian(stored, pointer.bytes);
  return stored;
}

std::optional<StoredValue> decode_stored_value(std::string_view stored) {
  ByteReader reader(stored);
  StoredValue value;
  value.form = static_cast<ValueForm>(reader.little_endian<uint8_t>());
  switch (value.form) {
    case ValueForm::kInline:
      value.inline_bytes = reader.bytes(reader.remaining());
      break;
    case ValueForm::kPointer:
    case ValueForm::kSyncedPointer:
      value.pointer.crc = reader.little_endian<uint32_t>();
      value.pointer.segment = reader.little_endian<uint32_t>();
      value.pointer.offset = reader.little_endian<uint64_t>();
      value.pointer.bytes = reader.little_endian<uint32_t>();
      break;
    default:
      return std::nullopt;
  }
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return value;
}

class ValueSegments::File {
 public:
  File(int descriptor, fs::path path, uint64_t initial_size)
      : size(initial_size), descriptor_(descriptor), path_(std::move(path)) {}
  ~File() {
    if (mapping_ != nullptr) ::munmap(const_cast<char*>(mapping_), mapped_bytes_);
    ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Status sync() {
    const std::scoped_lock lock(sync_mutex_);
    const uint64_t target = size.load(std::memory_order_acquire);
    if (target == synced_) return {};
    if (::fdatasync(descriptor_) != 0) return file_error(path_, "syncing", errno);
    synced_ = target;
    return {};
  }

  /// The file's bytes up to `end` in memory; null when they are not mapped. The mapping reaches beyond the end of a file
  /// that grows, so that it is made once.
  const char* mapping_to(uint64_t end) {
    std::call_once(mapping_made_, [&] {
      const uint64_t bytes = std::max(size.load(std::memory_order_acquire), end) + kMappedBeyondBytes;
      void* const address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor_, 0);
      if (address == MAP_FAILED) return;
      mapping_ = static_cast<const char*>(address);
      mapped_bytes_ = bytes;
    });
    return end <= mapped_bytes_ ? mapping_ : nullptr;
  }
  /// An error unless the file has the bytes up to `end` on disk; reading a mapping beyond would be fatal.
  Status check_reaches(uint64_t end) const {
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) return file_error(path_, "looking at", errno);
    if (static_cast<uint64_t>(status.st_size) < end) return cut_short(path_, end);
    return {};
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const fs::path& path() const { return path_; }

  std::atomic<uint64_t> size;

 private:
  // Address space only: pages that are never touched cost nothing.
  static constexpr uint64_t kMappedBeyondBytes = uint64_t{512} << 20;

  const int descriptor_;
  const fs::path path_;
  std::once_flag mapping_made_;
  const char* mapping_ = nullptr;
  uint64_t mapped_bytes_ = 0;
  std::mutex sync_mutex_;
  uint64_t synced_ = 0;
};

ValueSegments::~ValueSegments() = default;

Result<std::unique_ptr<ValueSegments>> ValueSegments::open(const fs::path& directory, uint64_t segment_bytes) {
  std::error_code error;
  if (!fs::exists(directory, error) && !fs::create_directories(directory, error))
    return file_error(directory, "creating", error.value());
  std::unique_ptr<ValueSegments> segments(new ValueSegments(directory, segment_bytes));
  RETURN_IF_ERROR(segments->load());
  return segments;
}

Status ValueSegments::load() {
  std::map<uint32_t, std::shared_ptr<File>> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    if (entry.path().extension() != ".segment") continue;
    const std::string name = entry.path().stem().string();
    uint32_t number = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), number).ptr != name.data() + name.size()) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return file_error(entry.path(), "opening", errno);
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) {
      const int failed = errno;
      ::close(descriptor);
      return file_error(entry.path(), "looking at", failed);
    }
    files.emplace(number, std::make_shared<File>(descriptor, entry.path(), static_cast<uint64_t>(status.st_size)));
  }
  if (error) return file_error(directory_, "reading", error.value());
  if (!files.empty()) {
    File& last = *files.rbegin()->second;
    if (last.size < kMagic.size()) {  // the power failed while it was made
      RETURN_IF_ERROR(write_all(last.descriptor(), last.path(), kMagic, 0));
      last.size = kMagic.size();
    }
    active_number_ = files.rbegin()->first;
    active_ = files.rbegin()->second;
  }
  files_ = std::make_shared<const std::map<uint32_t, std::shared_ptr<File>>>(std::move(files));
  return {};
}

void ValueSegments::change_files(uint32_t segment, std::shared_ptr<File> file) {
  const std::scoped_lock lock(snapshot_mutex_);
  auto files = *files_;
  if (file == nullptr)
    files.erase(segment);
  else
    files[segment] = std::move(file);
  files_ = std::make_shared<const std::map<uint32_t, std::shared_ptr<File>>>(std::move(files));
}

// The old file becomes stable before a new one exists: recovery looks only at the last.
Status ValueSegments::roll() {
  if (active_ != nullptr) RETURN_IF_ERROR(active_->sync());
  const uint32_t number = active_number_ + 1;
  const fs::path path = path_of(number);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) return file_error(path, "creating", errno);
  auto file = std::make_shared<File>(descriptor, path, kMagic.size());
  RETURN_IF_ERROR(write_all(descriptor, path, kMagic, 0));
  RETURN_IF_ERROR(sync_directory(directory_));
  active_ = file;
  active_number_ = number;
  change_files(number, std::move(file));
  return {};
}

Result<ValuePointer> ValueSegments::append(std::string_view value) {
  const uint32_t crc = crc32c(value);
  const std::scoped_lock lock(append_mutex_);
  if (active_ == nullptr || active_->size.load() >= segment_bytes_) RETURN_IF_ERROR(roll());
  const uint64_t offset = active_->size.load();
  RETURN_IF_ERROR(write_all(active_->descriptor(), active_->path(), value, offset));
  active_->size.store(offset + value.size(), std::memory_order_release);
  return ValuePointer{active_number_, offset, static_cast<uint32_t>(value.size()), crc};
}

Status ValueSegments::sync() {
  std::shared_ptr<File> file;
  {
    const std::scoped_lock lock(append_mutex_);
    file = active_;
  }
  if (file == nullptr) return {};
  return file->sync();
}

ValueSegments::Snapshot ValueSegments::snapshot() const {
  const std::scoped_lock lock(snapshot_mutex_);
  return files_;
}

Result<PinnedValue> ValueSegments::read(const Snapshot& files, const ValuePointer& pointer, bool verify) const {
  std::shared_ptr<File> file;
  if (const auto found = files->find(pointer.segment); found != files->end()) {
    file = found->second;
  } else {
    const Snapshot current = snapshot();
    if (const auto newer = current->find(pointer.segment); newer != current->end()) file = newer->second;
  }
  if (file == nullptr)
    return corrupt(
        fmt::format("{} is missing; restore the data directory from a copy", path_of(pointer.segment).string()));
  const uint64_t end = pointer.offset + pointer.bytes;
  PinnedValue value;
  if (const char* const mapping = file->mapping_to(end); mapping != nullptr) {
    RETURN_IF_ERROR(file->check_reaches(end));
    value = {{mapping + pointer.offset, pointer.bytes}, file};
  } else {
    ASSIGN_OR_RETURN(value, read_copy(*file, pointer));
  }
  if (verify && crc32c(value.bytes) != pointer.crc)
    return corrupt(fmt::format("{} is damaged between bytes {} and {}; restore the data directory from a copy",
                               file->path().string(), pointer.offset, end));
  return value;
}

Result<PinnedValue> ValueSegments::read_copy(const File& file, const ValuePointer& pointer) {
  const std::shared_ptr<char[]> buffer = std::make_shared_for_overwrite<char[]>(pointer.bytes);
  size_t done = 0;
  while (done < pointer.bytes) {
    const ssize_t count = ::pread(file.descriptor(), buffer.get() + done, pointer.bytes - done,
                                  static_cast<off_t>(pointer.offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(file.path(), "reading", errno);
    if (count == 0) return cut_short(file.path(), pointer.offset + pointer.bytes);
    done += static_cast<size_t>(count);
  }
  return PinnedValue{{buffer.get(), pointer.bytes}, buffer};
}

uint32_t ValueSegments::last() const {
  const Snapshot files = snapshot();
  return files->empty() ? 0 : files->rbegin()->first;
}

fs::path ValueSegments::path_of(uint32_t segment) const {
  return directory_ / fmt::format("{:010}.segment", segment);
}

Status ValueSegments::remove(uint32_t segment) {
  change_files(segment, nullptr);
  if (::unlink(path_of(segment).c_str()) != 0 && errno != ENOENT)
    return file_error(path_of(segment), "removing", errno);
  return {};
}

uint64_t ValueSegments::disk_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [number, file] : *snapshot()) bytes += file->size.load();
  return bytes;
}

}  // namespace meterstream
