// Decoding JSON readings from memory, the shape that tools without Avro write.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "metering/aggregate.h"
#include "metering/json_decoder.h"

namespace meterstream {
namespace {

void JsonDecodeReadings(benchmark::State& state) {
  std::vector<std::string> values;
  for (int i = 0; i < 8'192; ++i)
    values.push_back(fmt::format(
        R"({{"gateway":"household-{}","metricType":"ELECTRICITY","metricAttribute":"ACTIVE_POWER","timestamp":"2007-01-01T{:02}:{:02}:00Z","value":{}}})",
        i, i / 60 % 24, i % 60, i * 0.001));
  std::vector<RecordView> records(values.size());
  int64_t bytes = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    records[i].value = values[i];
    bytes += static_cast<int64_t>(values[i].size());
  }
  DecodeRequest request;
  request.columns = {{"GATEWAY", ColumnType::kVarchar},
                     {"METRICTYPE", ColumnType::kVarchar},
                     {"METRICATTRIBUTE", ColumnType::kVarchar},
                     {"TIMESTAMP", ColumnType::kTimestamp},
                     {"VALUE", ColumnType::kDouble}};
  request.needed = {false, false, false, true, true};
  request.group_key = {0, 1, 2};
  JsonRecordDecoder decoder(request);
  ColumnBatch batch;
  for (auto _ : state) {
    if (!decoder.decode(records, batch) || batch.rows != records.size()) state.SkipWithError("not decoded");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * records.size()));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * bytes);
}
BENCHMARK(JsonDecodeReadings);

Aggregate sample() {
  return {.gateway = "household-1",
          .metric_type = "ELECTRICITY",
          .metric_attribute = "ACTIVE_POWER",
          .window_start = EventTime(1'167'609'600'000),
          .window_end = EventTime(1'167'609'660'000),
          .sample_count = 60,
          .min = 0.123,
          .max = 4.567,
          .sum = *Decimal::parse("123.456"),
          .average = *Decimal::parse("2.0576")};
}

void AggregateToJson(benchmark::State& state) {
  const Aggregate aggregate = sample();
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_aggregate_json(out, aggregate);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(AggregateToJson);

void AggregateFromJson(benchmark::State& state) {
  std::string json;
  append_aggregate_json(json, sample());
  for (auto _ : state) {
    auto parsed = parse_aggregate_json(json);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(AggregateFromJson);

}  // namespace
}  // namespace meterstream
