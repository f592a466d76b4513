// Parsing of UCI household power from plain text in memory, 64 MB in the data set's own shape.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "metering/reading_reader.h"

namespace meterstream {
namespace {

/// Gives the same text again and again, so that the benchmark measures parsing and not memory.
class RepeatedSource final : public ByteSource {
 public:
  RepeatedSource(const std::string& header, const std::string& chunk, int64_t count)
      : header_(header), chunk_(chunk), count_(count) {}
  Result<std::string_view> next() override {
    if (given_ == count_) return std::string_view();
    return given_++ == 0 ? std::string_view(header_) : std::string_view(chunk_);
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] int64_t bytes_consumed() const override { return given_ * static_cast<int64_t>(chunk_.size()); }
  [[nodiscard]] int64_t bytes_total() const override { return 0; }

 private:
  std::string name_ = "repeated";
  const std::string& header_;
  const std::string& chunk_;
  int64_t count_;
  int64_t given_ = 0;
};

void UciReaderPlainText(benchmark::State& state) {
  const std::string header =
      "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;Sub_metering_2;"
      "Sub_metering_3\n";
  std::string chunk;
  for (int i = 0; i < 4'096; ++i)
    chunk +=
        fmt::format("{}/1/2007;{:02}:{:02}:00;{}.{:03};0.{:03};2{}.{:03};{}.{}00;0.000;1.000;17.000\n", 1 + i / 1440,
                    i / 60 % 24, i % 60, i % 5, i % 1000, i * 7 % 500, 30 + i % 10, i * 13 % 1000, i % 25, i % 10);
  constexpr int64_t kChunks = 256;
  int64_t bytes = 0;
  int64_t rows = 0;
  for (auto _ : state) {
    auto reader = make_reading_reader("electricity", std::make_unique<RepeatedSource>(header, chunk, kChunks));
    DatasetBatch batch;
    while ((*reader)->next(batch, 1'024) && batch.rows > 0) rows += static_cast<int64_t>(batch.rows);
    if ((*reader)->progress().malformed_lines != 0) state.SkipWithError("malformed lines");
    bytes += (*reader)->progress().bytes_consumed;
  }
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(rows);
}
BENCHMARK(UciReaderPlainText);

}  // namespace
}  // namespace meterstream
