#include <benchmark/benchmark.h>

#include "log/record_batch.h"

namespace meterstream {
namespace {

constexpr size_t kRecords = 9'000;  // about 1 MB

RecordBatchBuilder filled(bool uniform_time) {
  RecordBatchBuilder builder;
  std::string key = "gateway-000000.ELECTRICITY.ACTIVE_POWER";
  const std::string value(70, 'v');
  for (size_t index = 0; index < kRecords; ++index) {
    key[8] = static_cast<char>('0' + index % 10);
    builder.add(key, value, {}, IngestTime(uniform_time ? 0 : static_cast<int64_t>(1'000 + index)));
  }
  return builder;
}

void parse(benchmark::State& state, bool uniform_time) {
  const std::string batch = filled(uniform_time).finish(Offset(0), IngestTime(1'700'000'000'000));
  std::vector<RecordView> records;
  for (auto _ : state) {
    records.clear();
    if (!parse_record_batch(batch, Offset(0), records)) state.SkipWithError("corrupt");
    benchmark::DoNotOptimize(records.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRecords));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(batch.size()));
}

void BM_ParseRecordBatch(benchmark::State& state) {
  parse(state, true);
}
void BM_ParseRecordBatchWithTimes(benchmark::State& state) {
  parse(state, false);
}
BENCHMARK(BM_ParseRecordBatch);
BENCHMARK(BM_ParseRecordBatchWithTimes);

void BM_BuildRecordBatch(benchmark::State& state) {
  for (auto _ : state) {
    RecordBatchBuilder builder = filled(true);
    benchmark::DoNotOptimize(builder.finish(Offset(0), IngestTime(1)));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRecords));
}
BENCHMARK(BM_BuildRecordBatch);

}  // namespace
}  // namespace meterstream
