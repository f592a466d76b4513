// Purpose: shows how a long job goes on: one updating line on a terminal, a plain line now and then elsewhere.
// Time base: the clock's monotonic time. Rates are over the last few seconds; the ETA is from the beginning on, so that a
//            source that comes in blocks does not make it jump.
// Widths: on a narrow terminal the bar becomes shorter, then the label, the count and the bar are left out; what it
//         once left out does not come back.
// Thread-safety: none; one thread reports.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "apps/terminal.h"
#include "base/clock.h"

namespace meterstream {

struct ProgressLineOptions {
  /// What is counted, for "1.2 M readings".
  std::string unit = "readings";
  std::string label;
  /// Between lines where nothing can be overwritten.
  double plain_interval_s = 5;
  double terminal_interval_s = 0.1;
};

class ProgressLine {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// `clock` must outlive it. `sink` gets bytes to write; standard error when it is empty.
  ProgressLine(const Clock& clock, const Terminal& terminal, ProgressLineOptions options, Sink sink = {});

  /// `done` of the unit so far; `share` of the whole job in [0, 1], negative when it is not known; `details` is shown
  /// behind ("lag 2 k, 31 windows closed"). Cheap when nothing is due: call it often.
  void update(int64_t done, double share, const std::function<std::string()>& details = {});
  /// Ends the updating line, so that other text can follow. Call before printing anything else.
  void finish();

 private:
  struct Sample {
    double at_s;
    int64_t done;
    double share;
  };
  [[nodiscard]] double now_s() const;
  enum class Layout : unsigned char { kFull, kShortBar, kShortBarAlone, kNoBar };
  [[nodiscard]] std::string line(const Sample& newest, const std::string& details, Layout layout) const;
  /// In the fullest layout that fits.
  std::string fitted_line(const Sample& newest, const std::string& details);

  const Clock& clock_;
  Terminal terminal_;
  ProgressLineOptions options_;
  Sink sink_;
  double next_s_;
  double started_s_;
  std::deque<Sample> samples_;
  /// The first with a known share: a job may go on where another ended.
  std::optional<Sample> first_;
  Layout layout_ = Layout::kFull;
  bool is_open_ = false;
};

}  // namespace meterstream
