#include "state/store_logger.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <unistd.h>

namespace meterstream {
namespace {

constexpr off_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxMessageBytes = 4096;

class StoreLogger final : public rocksdb::Logger {
 public:
  explicit StoreLogger(std::filesystem::path file)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), file_(std::move(file)) {}
  ~StoreLogger() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, kMaxMessageBytes> text{};
    const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
    if (size <= 0) return;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const std::string line =
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {}\n", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                    std::string_view(text.data(), std::min(static_cast<size_t>(size), text.size() - 1)));
    const std::scoped_lock lock(mutex_);
    if (!open()) return;
    std::ignore = ::write(descriptor_, line.data(), line.size());
  }

 private:
  bool open() {
    if (descriptor_ >= 0) return true;
    descriptor_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) return false;
    if (::lseek(descriptor_, 0, SEEK_END) > kMaxFileBytes) std::ignore = ::ftruncate(descriptor_, 0);
    return true;
  }

  const std::filesystem::path file_;
  std::mutex mutex_;
  int descriptor_ = -1;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_store_logger(const std::filesystem::path& file) {
  return std::make_shared<StoreLogger>(file);
}

}  // namespace meterstream
