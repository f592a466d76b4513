// Record batches through the store: written once in commits of 4 MB, read in order. Uses the folder of TMPDIR.
#include <random>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "base/bytes.h"
#include "base/check.h"
#include "state/rocksdb_store.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

constexpr size_t kBatchBytes = size_t{1} << 20;

// As the program's start does it: memory that is freed stays, instead of being faulted in again and again.
const bool kTuned = [] {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_TOP_PAD, 16 << 20);
  return true;
}();

std::string key_of(uint64_t index) {
  std::string key;
  append_big_endian64(key, index % 4);
  append_big_endian64(key, index);
  return key;
}

std::string noise() {
  std::mt19937_64 random(1);
  std::string bytes(kBatchBytes, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

void fill(RocksDbStore& store, uint64_t first, uint64_t count, const std::string& value,
          Durability durability = Durability::kSync) {
  for (uint64_t index = first; index < first + count; index += 4) {
    WriteBatch batch;
    for (uint64_t inner = index; inner < index + 4; ++inner) batch.put(Space::kLog, key_of(inner), value);
    CHECK(store.write(batch, durability).has_value());
  }
}

std::unique_ptr<RocksDbStore> open(const TemporaryDirectory& directory) {
  auto store = RocksDbStore::open(directory.path());
  CHECK_MESSAGE(store.has_value(), store.error().message);
  return *std::move(store);
}

void write_log_batches(benchmark::State& state, Durability durability) {
  const auto megabytes = static_cast<uint64_t>(state.range(0));
  const std::string value = noise();
  for (auto _ : state) {
    state.PauseTiming();
    const TemporaryDirectory directory;
    auto store = open(directory);
    state.ResumeTiming();
    fill(*store, 0, megabytes, value, durability);
    CHECK(store->flush().has_value());
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(megabytes << 20));
}
void BM_WriteLogBatchesSynced(benchmark::State& state) {
  write_log_batches(state, Durability::kSync);
}
void BM_WriteLogBatchesBuffered(benchmark::State& state) {
  write_log_batches(state, Durability::kBuffered);
}
BENCHMARK(BM_WriteLogBatchesSynced)->Arg(1024)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(BM_WriteLogBatchesBuffered)->Arg(1024)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

void read_log_batches(benchmark::State& state, bool with_cursor) {
  constexpr uint64_t kCount = 1024;
  const TemporaryDirectory directory;
  auto store = open(directory);
  fill(*store, 0, kCount, noise());
  CHECK(store->flush().has_value());
  uint64_t total = 0;
  for (auto _ : state) {
    for (uint64_t partition = 0; partition < 4; ++partition) {
      if (with_cursor) {
        const auto cursor = store->cursor(Space::kLog);
        cursor->seek(key_of(partition));
        for (uint64_t index = partition; index < kCount; index += 4, cursor->next()) {
          CHECK(cursor->valid());
          total += crc32c(cursor->value());
        }
      } else {
        for (uint64_t index = partition; index < kCount; index += 4) {
          const auto value = store->get(Space::kLog, key_of(index));
          CHECK(value && *value);
          total += crc32c((*value)->bytes);
        }
      }
    }
  }
  benchmark::DoNotOptimize(total);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kCount * kBatchBytes));
}
void BM_ReadLogBatchesByGet(benchmark::State& state) {
  read_log_batches(state, false);
}
void BM_ReadLogBatchesByCursor(benchmark::State& state) {
  read_log_batches(state, true);
}
BENCHMARK(BM_ReadLogBatchesByGet)->Iterations(5)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ReadLogBatchesByCursor)->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace meterstream
