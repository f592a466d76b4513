// Decoding MetricAvro records from memory: 100,000 series, records of about 80 bytes, batches of 8192.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "metering/avro_decoder.h"
#include "metering/avro_encoder.h"
#include "metering/memory_schema_store.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kSeries = 100'000;
constexpr size_t kRecords = 1'000'000;
constexpr size_t kBatch = 8'192;
constexpr int64_t kStart = 1'167'609'600'000;

struct Input {
  MemorySchemaStore store;
  std::string bytes;
  std::vector<RecordView> records;

  Input() {
    const SchemaId id = *store.register_schema(kMetricAvroSubject, kMetricAvroSchema);
    std::vector<EncodedSeries> series;
    for (size_t i = 0; i < kSeries; ++i)
      series.emplace_back(id, SeriesKey{fmt::format("household-{}", i), "ELECTRICITY", "ACTIVE_POWER"});
    std::vector<size_t> ends;
    for (size_t i = 0; i < kRecords; ++i) {
      append_metric_avro(bytes, series[i * 7919 % kSeries],
                         EventTime(kStart + static_cast<int64_t>(i / kSeries) * 60'000),
                         static_cast<double>(i) * 0.001);
      ends.push_back(bytes.size());
    }
    records.resize(kRecords);
    for (size_t i = 0; i < kRecords; ++i) {
      const size_t begin = i == 0 ? 0 : ends[i - 1];
      records[i].value = std::string_view(bytes).substr(begin, ends[i] - begin);
    }
  }
};

Input& input() {
  static Input instance;
  return instance;
}

DecodeRequest metric_request(bool needs_strings) {
  DecodeRequest request;
  request.columns = {{"GATEWAY", ColumnType::kVarchar},
                     {"METRICTYPE", ColumnType::kVarchar},
                     {"METRICATTRIBUTE", ColumnType::kVarchar},
                     {"TIMESTAMP", ColumnType::kTimestamp},
                     {"VALUE", ColumnType::kDouble}};
  request.needed = {needs_strings, needs_strings, needs_strings, true, true};
  request.group_key = {0, 1, 2};
  return request;
}

void decode_all(benchmark::State& state, DecodeRequest request) {
  AvroRecordDecoder decoder(input().store, std::move(request));
  ColumnBatch batch;
  for (auto _ : state) {
    for (size_t first = 0; first < kRecords; first += kBatch) {
      const size_t count = std::min(kBatch, kRecords - first);
      if (!decoder.decode(std::span(input().records).subspan(first, count), batch) || batch.rows != count)
        state.SkipWithError("records were not decoded");
      benchmark::DoNotOptimize(batch.group_keys.data());
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRecords));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * input().bytes.size()));
}

void AvroDecodeKeyTimeValue(benchmark::State& state) {
  decode_all(state, metric_request(false));
}
BENCHMARK(AvroDecodeKeyTimeValue);

void AvroDecodeAllColumns(benchmark::State& state) {
  decode_all(state, metric_request(true));
}
BENCHMARK(AvroDecodeAllColumns);

// A key that the writer's order does not give as one run: the general path.
void AvroDecodeGeneralPath(benchmark::State& state) {
  DecodeRequest request = metric_request(false);
  request.group_key = {2, 0};
  decode_all(state, std::move(request));
}
BENCHMARK(AvroDecodeGeneralPath);

void AvroEncode(benchmark::State& state) {
  const EncodedSeries series(SchemaId(1), {"household-12345", "ELECTRICITY", "ACTIVE_POWER"});
  std::string out;
  int64_t count = 0;
  for (auto _ : state) {
    out.clear();
    append_metric_avro(out, series, EventTime(kStart + count * 60'000), 1.5);
    benchmark::DoNotOptimize(out.data());
    ++count;
  }
  state.SetItemsProcessed(count);
}
BENCHMARK(AvroEncode);

void TimestampParse(benchmark::State& state) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < 1'024; ++i) texts.push_back(format_timestamp(EventTime(kStart + i * 3'700'000 + i % 2)));
  int64_t sum = 0;
  for (auto _ : state) {
    for (const std::string& text : texts) sum += parse_timestamp(text)->value;
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * texts.size()));
}
BENCHMARK(TimestampParse);

}  // namespace
}  // namespace meterstream
