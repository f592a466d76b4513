#include "apps/progress_line.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "apps/number_text.h"

namespace meterstream {
namespace {

constexpr double kRateWindow_s = 5;

void write_to_standard_error(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
}

std::string bar(double share, bool unicode) {
  constexpr int kWidth = 20;
  const int full = std::clamp(static_cast<int>(share * kWidth), 0, kWidth);
  std::string text;
  for (int i = 0; i < kWidth; ++i) text += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
  return text;
}

}  // namespace

ProgressLine::ProgressLine(const Clock& clock, const Terminal& terminal, ProgressLineOptions options, Sink sink)
    : clock_(clock),
      terminal_(terminal),
      options_(std::move(options)),
      sink_(sink ? std::move(sink) : write_to_standard_error),
      next_s_(0),
      started_s_(now_s()) {
  next_s_ = started_s_ + (terminal_.interactive ? options_.terminal_interval_s : options_.plain_interval_s);
  samples_.push_back({started_s_, 0, 0});
}

double ProgressLine::now_s() const {
  return static_cast<double>(clock_.monotonic_ns()) * 1e-9;
}

void ProgressLine::update(int64_t done, double share, const std::function<std::string()>& details) {
  const double now = now_s();
  if (now < next_s_) return;
  next_s_ = now + (terminal_.interactive ? options_.terminal_interval_s : options_.plain_interval_s);
  const Sample newest{now, done, share};
  samples_.push_back(newest);
  while (samples_.size() > 2 && samples_[1].at_s <= now - kRateWindow_s) samples_.pop_front();
  const std::string text = line(newest, details ? details() : "");
  if (terminal_.interactive) {
    sink_("\r\x1b[2K" + shortened(text, static_cast<size_t>(terminal_.width) - 1, terminal_.unicode));
    is_open_ = true;
  } else {
    sink_(text + "\n");
  }
}

void ProgressLine::finish() {
  if (is_open_) sink_("\r\x1b[2K");
  is_open_ = false;
}

std::string ProgressLine::line(const Sample& newest, const std::string& details) const {
  const Sample& oldest = samples_.front();
  const double elapsed = newest.at_s - oldest.at_s;
  std::string text = options_.label.empty() ? "" : options_.label + "  ";
  if (newest.share >= 0) {
    if (terminal_.interactive) text += bar(newest.share, terminal_.unicode) + " ";
    text += fmt::format("{:3.0f} %  ", 100 * std::min(newest.share, 1.0));
  }
  text += fmt::format("{} {}", count_text(static_cast<double>(newest.done)), options_.unit);
  if (elapsed > 0) text += "  " + rate_text(static_cast<double>(newest.done - oldest.done) / elapsed);
  const double share_rate = elapsed > 0 ? (newest.share - std::max(oldest.share, 0.0)) / elapsed : 0;
  if (newest.share >= 0 && newest.share < 1 && share_rate > 0) {
    text += "  ETA " + elapsed_text((1 - newest.share) / share_rate);
  }
  if (!details.empty()) text += "  " + details;
  return text;
}

}  // namespace meterstream
