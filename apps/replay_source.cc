#include "apps/replay_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "metering/file_source.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kRowsAtOnce = 1024;
constexpr int64_t kDay_ms = 86'400'000;

Error of_input(Error error) {
  if (error.code == ErrorCode::kCorrupt) error.code = ErrorCode::kNotFound;
  return error;
}

class FileReplaySource final : public ReplaySource {
 public:
  FileReplaySource(std::unique_ptr<ReadingReader> reader, ReplayFanout fanout)
      : reader_(std::move(reader)), fanout_(std::move(fanout)) {}

  [[nodiscard]] const std::vector<SeriesKey>& series() const override { return fanout_.series(); }
  Status start_at(int64_t line) override {
    reader_->skip_to_line(line);
    return {};
  }
  Result<bool> next(std::vector<IndexedReading>& out) override {
    out.clear();
    if (row_ == rows_.rows) {
      row_ = 0;
      bytes_before_ = reader_->progress().bytes_consumed;
      if (Status status = reader_->next(rows_, kRowsAtOnce); !status) {
        rows_.rows = 0;
        return of_input(std::move(status).error());
      }
      if (rows_.rows == 0) return false;
    }
    line_ = rows_.line_numbers[row_];
    RETURN_IF_ERROR(check_time(rows_.timestamps[row_]));
    fanout_.append_row(rows_, row_, out);
    ++row_;
    return true;
  }
  [[nodiscard]] int64_t line() const override { return line_; }
  [[nodiscard]] double share() const override {
    const auto bytes_total = static_cast<double>(reader_->progress().bytes_total);
    if (bytes_total <= 0) return -1;
    return std::min(1.0, static_cast<double>(bytes_consumed()) / bytes_total);
  }
  /// The reader is ahead by the rest of the batch.
  [[nodiscard]] std::optional<ReaderProgress> file_progress() const override {
    ReaderProgress progress = reader_->progress();
    if (row_ == 0 || row_ == rows_.rows) return progress;
    progress.bytes_consumed = bytes_consumed();
    progress.lines = line_;
    const DatasetBatch::Counts& counts = rows_.counts[row_ - 1];
    progress.rows = counts.rows;
    progress.values = counts.values;
    progress.skipped_values = counts.skipped_values;
    progress.malformed_lines = counts.malformed_lines;
    return progress;
  }

 private:
  [[nodiscard]] int64_t bytes_consumed() const {
    const int64_t bytes = reader_->progress().bytes_consumed;
    if (row_ == rows_.rows) return bytes;
    const double share = static_cast<double>(row_) / static_cast<double>(rows_.rows);
    return bytes_before_ + static_cast<int64_t>(share * static_cast<double>(bytes - bytes_before_));
  }
  [[nodiscard]] Status check_time(EventTime time) const {
    const int64_t day_offset = fanout_.day_offset();
    if (day_offset == 0 || is_replay_time(time.value + day_offset * kDay_ms)) return {};
    return invalid(fmt::format("line {}: --day-offset {} moves {} out of the years 1 to 9999; use a smaller offset",
                               line_, day_offset, format_timestamp(time)));
  }

  std::unique_ptr<ReadingReader> reader_;
  ReplayFanout fanout_;
  DatasetBatch rows_;
  int64_t bytes_before_ = 0;
  size_t row_ = 0;
  int64_t line_ = 0;
};

class SimulatedReplaySource final : public ReplaySource {
 public:
  SimulatedReplaySource(const SimulatorConfig& config, int64_t steps) : simulator_(config), steps_(steps) {}

  [[nodiscard]] const std::vector<SeriesKey>& series() const override { return simulator_.series(); }
  Status start_at(int64_t line) override {
    // The simulation has a memory: what is passed over must be lived through.
    std::vector<IndexedReading> passed;
    while (step_ + 1 < line) {
      ASSIGN_OR_RETURN(const bool more, next(passed));
      if (!more) break;
    }
    return {};
  }
  Result<bool> next(std::vector<IndexedReading>& out) override {
    out.clear();
    if (step_ > steps_) return false;
    ++step_;
    if (step_ <= steps_) {
      simulator_.next_step(out);
    } else {
      simulator_.drain(out);
    }
    return true;
  }
  [[nodiscard]] int64_t line() const override { return step_; }
  [[nodiscard]] double share() const override {
    return std::min(1.0, static_cast<double>(step_) / static_cast<double>(steps_ + 1));
  }
  [[nodiscard]] std::optional<ReaderProgress> file_progress() const override { return std::nullopt; }

 private:
  Simulator simulator_;
  int64_t steps_;
  int64_t step_ = 0;
};

}  // namespace

bool is_replay_time(int64_t time_ms) {
  constexpr int64_t kFirst_ms = -62'135'596'800'000;
  constexpr int64_t kEnd_ms = 253'402'300'800'000;
  return time_ms >= kFirst_ms && time_ms < kEnd_ms;
}

Result<std::unique_ptr<ReplaySource>> make_file_replay_source(const FileReplayConfig& config) {
  auto file = open_file_source(config.path);
  if (!file) return of_input(std::move(file).error());
  auto reader = make_reading_reader(config.type, *std::move(file));
  if (!reader) return of_input(std::move(reader).error());
  ASSIGN_OR_RETURN(ReplayFanout fanout, ReplayFanout::create((*reader)->registers(), config.fanout));
  return std::unique_ptr<ReplaySource>(std::make_unique<FileReplaySource>(*std::move(reader), std::move(fanout)));
}

std::unique_ptr<ReplaySource> make_simulated_replay_source(const SimulatorConfig& config, int64_t steps) {
  return std::make_unique<SimulatedReplaySource>(config, steps);
}

}  // namespace meterstream
