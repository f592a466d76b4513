#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <rocksdb/version.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <zstd.h>

#include "apps/doctor_command.h"
#include "apps/number_text.h"

namespace meterstream {
namespace {

using State = Diagnosis::State;

Diagnosis processor() {
  const unsigned cores = std::thread::hardware_concurrency();
#if defined(__x86_64__)
  std::string missing;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) missing += " avx2";
  if (!__builtin_cpu_supports("fma")) missing += " fma";
  if (!__builtin_cpu_supports("bmi2")) missing += " bmi2";
  if (!missing.empty()) {
    return {"processor", State::kBad, fmt::format("{} cores, without{}", cores, missing),
            "build for this machine: cmake --preset release -DMETERSTREAM_MARCH=native, then ./dev build"};
  }
  return {"processor", State::kGood, fmt::format("{} cores, x86-64-v3 (avx2, fma, bmi2)", cores), ""};
#else
  return {"processor", State::kGood, fmt::format("{} cores", cores), ""};
#endif
}

Diagnosis memory() {
  struct sysinfo info{};
  sysinfo(&info);
  const double total = static_cast<double>(info.totalram) * info.mem_unit;
  const std::string detail = fmt::format("{} in all", bytes_text(total));
  if (total < 1e9) return {"memory", State::kWarning, detail, "lower engine.memory_budget in meterstream.toml"};
  return {"memory", State::kGood, detail, ""};
}

Diagnosis load() {
  double average = 0;
  getloadavg(&average, 1);
  const std::string detail = fmt::format("{:.2f} over the last minute", average);
  if (average > 1.5 * std::thread::hardware_concurrency()) {
    return {"load", State::kWarning, detail, "other programs are busy; measurements will be low"};
  }
  return {"load", State::kGood, detail, ""};
}

Diagnosis open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string detail = fmt::format("at most {}", limit.rlim_cur);
  if (limit.rlim_cur < 1024) return {"open files", State::kWarning, detail, "raise the limit: ulimit -n 4096"};
  return {"open files", State::kGood, detail, ""};
}

Diagnosis libraries() {
  return {
      "libraries", State::kGood,
      fmt::format("Meterstream {}, RocksDB {}.{}.{}, zstd {}, simdjson {}", METERSTREAM_VERSION, ROCKSDB_MAJOR,
                  ROCKSDB_MINOR, ROCKSDB_PATCH, ZSTD_versionString(), simdjson::get_active_implementation()->name()),
      ""};
}

}  // namespace

std::vector<Diagnosis> diagnose_machine() {
  return {processor(), memory(), load(), open_files(), libraries()};
}

}  // namespace meterstream
