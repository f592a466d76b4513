#include "metering/file_source.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "metering/compressed_source.h"

namespace meterstream {

namespace {

constexpr size_t kChunkBytes = 256 << 10;

Error cannot_open(const std::string& path, int fault) {
  const std::string message = fmt::format("cannot open '{}': {}. ", path, std::strerror(fault));
  if (fault == ENOENT || fault == ENOTDIR) return not_found(message + "Check the path");
  if (fault == EACCES || fault == EPERM) return not_found(message + "Check who may read the file");
  return unavailable(message + "Try again");
}

class PlainFile final : public ByteSource {
 public:
  PlainFile(std::string path, int descriptor, int64_t bytes_total)
      : path_(std::move(path)), descriptor_(descriptor), bytes_total_(bytes_total), buffer_(kChunkBytes) {}
  ~PlainFile() override { close(descriptor_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  Result<std::string_view> next() override {
    if (peeked_ == 0) {
      ASSIGN_OR_RETURN(peeked_, fill(1));
    }
    const std::string_view chunk(buffer_.data(), std::exchange(peeked_, 0));
    bytes_consumed_ += static_cast<int64_t>(chunk.size());
    return chunk;
  }
  /// The first bytes, which next() gives again. Before the first next() only.
  Result<std::string_view> peek(size_t least) {
    ASSIGN_OR_RETURN(peeked_, fill(least));
    return std::string_view(buffer_.data(), peeked_);
  }
  [[nodiscard]] const std::string& name() const override { return path_; }
  [[nodiscard]] int64_t bytes_consumed() const override { return bytes_consumed_; }
  [[nodiscard]] int64_t bytes_total() const override { return bytes_total_; }

 private:
  /// Reads at least `least` bytes unless the file ends; pipes give less than asked for.
  Result<size_t> fill(size_t least) {
    size_t size = 0;
    while (size < least) {
      const ssize_t count = read(descriptor_, buffer_.data() + size, buffer_.size() - size);
      if (count == 0) break;
      if (count < 0 && errno == EINTR) continue;
      if (count < 0)
        return unavailable(fmt::format("cannot read '{}' after {} bytes: {}. Check the disk or network and try again",
                                       path_, bytes_consumed_, std::strerror(errno)));
      size += static_cast<size_t>(count);
    }
    return size;
  }

  std::string path_;
  int descriptor_;
  int64_t bytes_total_;
  int64_t bytes_consumed_ = 0;
  std::vector<char> buffer_;
  size_t peeked_ = 0;
};

Result<std::unique_ptr<PlainFile>> open_plain(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot_open(path, errno);
  struct stat status{};
  const bool has_status = fstat(descriptor, &status) == 0;
  auto file = std::make_unique<PlainFile>(path, descriptor,
                                          has_status && S_ISREG(status.st_mode) ? int64_t{status.st_size} : 0);
  if (has_status && S_ISDIR(status.st_mode))
    return invalid(fmt::format("'{}' is a directory. Name one file in it", path));
  return file;
}

class ZipEntry final : public ByteSource {
 public:
  ZipEntry(std::string name, zip_t* archive, zip_file_t* file, const zip_stat_t& status)
      : name_(std::move(name)), archive_(archive), file_(file), status_(status), buffer_(kChunkBytes) {}
  ~ZipEntry() override {
    zip_fclose(file_);
    zip_discard(archive_);
  }
  ZipEntry(const ZipEntry&) = delete;
  ZipEntry& operator=(const ZipEntry&) = delete;

  Result<std::string_view> next() override {
    const zip_int64_t count = zip_fread(file_, buffer_.data(), buffer_.size());
    const bool is_short = count == 0 && (status_.valid & ZIP_STAT_SIZE) != 0 && produced_ < status_.size;
    if (count < 0 || is_short)
      return corrupt(fmt::format("'{}' is damaged: {} after {} bytes of text. Get the file again", name_,
                                 is_short ? "it ends too early" : zip_file_strerror(file_), produced_));
    produced_ += static_cast<uint64_t>(count);
    return std::string_view(buffer_.data(), static_cast<size_t>(count));
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  /// The archive does not tell how much of it was read; taken as even over the entry.
  [[nodiscard]] int64_t bytes_consumed() const override {
    if (status_.size == 0) return bytes_total();
    const double share = static_cast<double>(produced_) / static_cast<double>(status_.size);
    return static_cast<int64_t>(share * static_cast<double>(status_.comp_size));
  }
  [[nodiscard]] int64_t bytes_total() const override { return static_cast<int64_t>(status_.comp_size); }

 private:
  std::string name_;
  zip_t* archive_;
  zip_file_t* file_;
  zip_stat_t status_;
  std::vector<char> buffer_;
  uint64_t produced_ = 0;
};

/// Index of the entry, or -1.
zip_int64_t find_entry(zip_t* archive, std::string_view entry) {
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
    if (name == nullptr) continue;
    const std::string_view text(name);
    if (entry.empty() ? !text.ends_with('/') : text == entry) return i;
  }
  return -1;
}

Result<std::unique_ptr<ByteSource>> open_zip(const std::string& path, std::string_view entry) {
  int fault = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_RDONLY, &fault);
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, fault);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return corrupt(
        fmt::format("'{}' starts like a zip archive but cannot be opened: {}. Get the file again", path, text));
  }
  const auto give_up = [&](Error error) {
    zip_discard(archive);
    return error;
  };
  const zip_int64_t index = find_entry(archive, entry);
  if (index < 0 && entry.empty()) return give_up(invalid(fmt::format("the archive '{}' holds no file", path)));
  if (index < 0) return give_up(not_found(fmt::format("the archive '{}' has no file '{}'", path, entry)));
  zip_stat_t status;
  zip_stat_init(&status);
  zip_stat_index(archive, static_cast<zip_uint64_t>(index), 0, &status);
  zip_file_t* file = zip_fopen_index(archive, static_cast<zip_uint64_t>(index), 0);
  if (file == nullptr)
    return give_up(invalid(fmt::format("cannot read '{}' in the archive '{}': {}. Unpack it and name the unpacked file",
                                       status.name, path, zip_strerror(archive))));
  return std::make_unique<ZipEntry>(fmt::format("{}:{}", path, status.name), archive, file, status);
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_file_source(const std::string& path, std::string_view entry) {
  ASSIGN_OR_RETURN(std::unique_ptr<PlainFile> file, open_plain(path));
  ASSIGN_OR_RETURN(const std::string_view first_bytes, file->peek(4));
  switch (compression_of(first_bytes)) {
    case Compression::kGzip:
      return make_gzip_source(std::move(file));
    case Compression::kZstd:
      return make_zstd_source(std::move(file));
    case Compression::kZip:
      file.reset();
      return open_zip(path, entry);
    case Compression::kNone:
      break;
  }
  return std::unique_ptr<ByteSource>(std::move(file));
}

}  // namespace meterstream
