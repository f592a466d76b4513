// The lake from decoded batches to durable objects: readings of the UCI household file fanned out to 100 households, where
// the file is beside this checkout (shared/data), else simulated ones. S3: where METERSTREAM_S3_URL names a server of
// deploy/local/s3.
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include <benchmark/benchmark.h>

#include "connectors/lake/lake_file.h"
#include "connectors/lake/lake_sink_writer.h"
#include "metering/avro_encoder.h"
#include "metering/file_source.h"
#include "metering/memory_schema_store.h"
#include "metering/reading_reader.h"
#include "metering/replay_fanout.h"
#include "metering/simulator.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

constexpr int64_t kArrival = 1'700'000'000'000;
constexpr size_t kReadings = 1'000'000;
constexpr size_t kReadRecords = 10'000;

/// CPU time of all threads since `began` over all readings: what the library calls CPU time is that of the main thread.
void count_cpu(benchmark::State& state, std::clock_t began) {
  const double us = static_cast<double>(std::clock() - began) * 1e6 / CLOCKS_PER_SEC;
  state.counters["cpu_us_a_reading"] = us / (static_cast<double>(kReadings) * static_cast<double>(state.iterations()));
}

/// Series and readings in the order of arrival.
struct Load {
  std::vector<SeriesKey> series;
  std::vector<IndexedReading> readings;
};

Load uci_load(const std::string& path) {
  auto reader = *make_reading_reader("electricity", *open_file_source(path));
  const auto fanout = *ReplayFanout::create(reader->registers(), {.last_household = 100});
  Load load{fanout.series(), {}};
  DatasetBatch batch;
  while (load.readings.size() < kReadings && reader->next(batch, 1000) && batch.rows > 0) {
    for (size_t row = 0; row < batch.rows; ++row) fanout.append_row(batch, row, load.readings);
  }
  return load;
}

Load simulated_load() {
  Simulator simulator({.households = 100});
  Load load{simulator.series(), {}};
  while (load.readings.size() < kReadings) simulator.next_step(load.readings);
  return load;
}

const Load& load() {
  static const Load load = [] {
    const std::string path =
        std::string(METERSTREAM_SOURCE) + "/../shared/data/household_power_consumption_2006-12-16_2007-06-30.txt.zst";
    Load made = std::filesystem::exists(path) ? uci_load(path) : simulated_load();
    made.readings.resize(kReadings);
    return made;
  }();
  return load;
}

LakeRows rows_of(const Load& load) {
  LakeRows rows;
  rows.series = load.series;
  for (size_t i = 0; i < load.readings.size(); ++i) {
    rows.series_of.push_back(load.readings[i].series);
    rows.time_ms.push_back(load.readings[i].timestamp.value);
    rows.value.push_back(load.readings[i].value);
    rows.offset.push_back(static_cast<int64_t>(i));
    rows.ingest_ms.push_back(kArrival + static_cast<int64_t>(i / 700));
  }
  return rows;
}

void sort_and_encode(benchmark::State& state) {
  const LakeRows rows = rows_of(load());
  size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const LakeDay& day : days_of(rows)) {
      const LakeObjectName name{day.day, {"metrics", PartitionId(0)}, Offset(0), Offset(kReadings - 1)};
      bytes += encode_lake_file(name, rows, day.order, static_cast<int>(state.range(0)))->size();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(kReadings) * state.iterations());
  state.counters["bytes_a_reading"] = static_cast<double>(bytes) / kReadings;
}
BENCHMARK(sort_and_encode)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);

/// Decoded batches in, durable files out.
void rows_to_directory(benchmark::State& state) {
  const TemporaryDirectory directory;
  const SystemClock clock;
  const auto store = *open_lake_store({.uri = directory.path().string()}, clock);
  const LakeRows rows = rows_of(load());
  size_t bytes = 0;
  int32_t round = 0;
  const std::clock_t began = std::clock();
  for (auto _ : state) {
    bytes = 0;
    const PartitionId partition(round++);
    for (const LakeDay& day : days_of(rows)) {
      const LakeObjectName name{day.day, {"metrics", partition}, Offset(0), Offset(kReadings - 1)};
      const std::string file = *encode_lake_file(name, rows, day.order, LakeSettings{}.zstd_level);
      bytes += file.size();
      if (!store->write(name.path(), file)) state.SkipWithError("the lake refused");
    }
  }
  count_cpu(state, began);
  state.SetItemsProcessed(static_cast<int64_t>(kReadings) * state.iterations());
  state.counters["bytes_a_reading"] = static_cast<double>(bytes) / kReadings;
}
BENCHMARK(rows_to_directory)->Unit(benchmark::kMillisecond);

void sort_only(benchmark::State& state) {
  const LakeRows rows = rows_of(load());
  for (auto _ : state) benchmark::DoNotOptimize(days_of(rows));
  state.SetItemsProcessed(static_cast<int64_t>(kReadings) * state.iterations());
}
BENCHMARK(sort_only)->Unit(benchmark::kMillisecond);

void read_back(benchmark::State& state) {
  const LakeRows rows = rows_of(load());
  const LakeDay day = days_of(rows).front();
  const LakeObjectName name{day.day, {"metrics", PartitionId(0)}, Offset(0), Offset(kReadings - 1)};
  const std::string bytes = *encode_lake_file(name, rows, day.order, 3);
  for (auto _ : state) benchmark::DoNotOptimize(decode_lake_file(bytes));
  state.SetItemsProcessed(static_cast<int64_t>(day.order.size()) * state.iterations());
}
BENCHMARK(read_back)->Unit(benchmark::kMillisecond);

/// Avro records in, durable objects out, as a sink's task does it.
void sink_from_avro(benchmark::State& state, LakeStore& store) {
  MemorySchemaStore schemas;
  const SchemaId schema = *schemas.register_schema("metrics-value", kMetricAvroSchema);
  std::vector<std::string> values;
  for (const IndexedReading& reading : load().readings) {
    values.push_back(encode_metric_avro(schema, {load().series[reading.series], reading.timestamp, reading.value}));
  }
  std::vector<RecordSet> reads;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % kReadRecords == 0) reads.emplace_back();
    RecordView record;
    record.value = values[i];
    record.offset = Offset(static_cast<int64_t>(i));
    record.ingest_time = IngestTime(kArrival + static_cast<int64_t>(i / 700));
    reads.back().records.push_back(record);
  }
  const SystemClock clock;
  int64_t round = 0;
  std::vector<SinkWriter::Rejected> rejected;
  const std::clock_t began = std::clock();
  for (auto _ : state) {
    LakeSinkWriter writer(store, {"metrics", PartitionId(static_cast<int32_t>(round++))}, ValueFormat::kAvro, schemas,
                          {}, clock);
    bool is_good = writer.open(Offset(0)).has_value();
    for (const RecordSet& read : reads) is_good = is_good && writer.add(read, rejected).has_value();
    is_good = is_good && writer.settle(Offset(kReadings), SinkWriter::Settle::kAll).has_value();
    if (!is_good) state.SkipWithError("the lake refused");
  }
  count_cpu(state, began);
  state.SetItemsProcessed(static_cast<int64_t>(kReadings) * state.iterations());
}

void sink_to_directory(benchmark::State& state) {
  const TemporaryDirectory directory;
  const SystemClock clock;
  const auto store = *open_lake_store({.uri = directory.path().string()}, clock);
  sink_from_avro(state, *store);
}
BENCHMARK(sink_to_directory)->Unit(benchmark::kMillisecond);

void sink_to_s3(benchmark::State& state) {
  const char* url = std::getenv("METERSTREAM_S3_URL");
  const SystemClock clock;
  const auto store = *open_lake_store({.uri = "s3://lake/benchmark",
                                       .endpoint = url,
                                       .region = "us-east-1",
                                       .access_key = "meterstream",
                                       .secret_key = "local-secret"},
                                      clock);
  sink_from_avro(state, *store);
  const auto entries = store->list("");
  if (!entries) return;
  for (const LakeStore::Entry& entry : *entries) (void)store->remove(entry.path);
}

const bool kHasS3 = [] {
  if (std::getenv("METERSTREAM_S3_URL") != nullptr) {
    benchmark::RegisterBenchmark("sink_to_s3", sink_to_s3)->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace meterstream
