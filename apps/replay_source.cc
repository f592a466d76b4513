#include "apps/replay_source.h"

#include <algorithm>

#include "metering/file_source.h"

namespace meterstream {
namespace {

constexpr size_t kRowsAtOnce = 1024;

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
      RETURN_IF_ERROR(reader_->next(rows_, kRowsAtOnce));
      if (rows_.rows == 0) return false;
    }
    line_ = rows_.line_numbers[row_];
    fanout_.append_row(rows_, row_, out);
    ++row_;
    return true;
  }
  [[nodiscard]] int64_t line() const override { return line_; }
  [[nodiscard]] double share() const override {
    const ReaderProgress& progress = reader_->progress();
    if (progress.bytes_total <= 0) return -1;
    return std::min(1.0, static_cast<double>(progress.bytes_consumed) / static_cast<double>(progress.bytes_total));
  }
  [[nodiscard]] const ReaderProgress* file_progress() const override { return &reader_->progress(); }

 private:
  std::unique_ptr<ReadingReader> reader_;
  ReplayFanout fanout_;
  DatasetBatch rows_;
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
  [[nodiscard]] const ReaderProgress* file_progress() const override { return nullptr; }

 private:
  Simulator simulator_;
  int64_t steps_;
  int64_t step_ = 0;
};

}  // namespace

Result<std::unique_ptr<ReplaySource>> make_file_replay_source(const FileReplayConfig& config) {
  ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> file, open_file_source(config.path));
  ASSIGN_OR_RETURN(std::unique_ptr<ReadingReader> reader, make_reading_reader(config.type, std::move(file)));
  ASSIGN_OR_RETURN(ReplayFanout fanout, ReplayFanout::create(reader->registers(), config.fanout));
  return std::unique_ptr<ReplaySource>(std::make_unique<FileReplaySource>(std::move(reader), std::move(fanout)));
}

std::unique_ptr<ReplaySource> make_simulated_replay_source(const SimulatorConfig& config, int64_t steps) {
  return std::make_unique<SimulatedReplaySource>(config, steps);
}

}  // namespace meterstream
