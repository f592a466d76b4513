// The embedded log over the RocksDB store: 1 MB batches of readings in and out. Uses the folder of TMPDIR.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include "base/check.h"
#include "log/embedded_log.h"
#include "state/rocksdb_store.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

constexpr int kRecordsPerBatch = 9'000;  // about 1 MB
constexpr int kBatches = 512;

// As the program's start does it: memory that is freed stays, instead of being faulted in again and again.
const bool kTuned = [] {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_TOP_PAD, 16 << 20);
  return true;
}();

struct Log {
  TemporaryDirectory directory;
  SystemClock clock;
  std::unique_ptr<RocksDbStore> store;
  std::unique_ptr<EmbeddedLog> log;

  Log() {
    auto opened = RocksDbStore::open(directory.path());
    CHECK_MESSAGE(opened.has_value(), opened.error().message);
    store = *std::move(opened);
    auto made = EmbeddedLog::open(*store, clock, {.recent_bytes = 0});
    CHECK_MESSAGE(made.has_value(), made.error().message);
    log = *std::move(made);
    CHECK(log->create_topic({.name = "metrics", .partitions = 4}).has_value());
  }

  void append(int partition) const {
    static const std::string value(70, 'v');
    RecordBatchBuilder records;
    for (int index = 0; index < kRecordsPerBatch; ++index)
      records.add("gateway-000000.ELECTRICITY.ACTIVE_POWER", value, {}, IngestTime(0));
    Transaction transaction;
    transaction.appends.push_back({{"metrics", PartitionId(partition)}, std::move(records)});
    CHECK(log->commit(std::move(transaction), Durability::kBuffered).has_value());
  }
};

void BM_AppendReadings(benchmark::State& state) {
  const Log log;
  int batch = 0;
  for (auto _ : state) log.append(batch++ % 4);
  state.SetItemsProcessed(state.iterations() * kRecordsPerBatch);
}
BENCHMARK(BM_AppendReadings)->Iterations(kBatches)->UseRealTime();

void BM_ReadReadings(benchmark::State& state) {
  const Log log;
  for (int batch = 0; batch < kBatches; ++batch) log.append(batch % 4);
  RecordSet set;
  int64_t records = 0;
  for (auto _ : state) {
    for (int partition = 0; partition < 4; ++partition) {
      const TopicPartition source{"metrics", PartitionId(partition)};
      for (Offset next(0);; next = set.next) {
        CHECK(log.log->read(source, next, 1, set).has_value());
        if (set.records.empty()) break;
        records += static_cast<int64_t>(set.records.size());
      }
    }
  }
  state.SetItemsProcessed(records);
}
BENCHMARK(BM_ReadReadings)->Iterations(5);

}  // namespace
}  // namespace meterstream
