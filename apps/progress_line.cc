#include "apps/progress_line.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "apps/number_text.h"

namespace meterstream {
namespace {

constexpr double kRateWindow_s = 5;
constexpr int kBarCells = 20;
constexpr int kShortBarCells = 8;

void write_to_standard_error(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
}

std::string bar(double share, int width, bool unicode) {
  const int full = std::clamp(static_cast<int>(share * width), 0, width);
  std::string text;
  for (int i = 0; i < width; ++i) text += i < full ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
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
  if (!first_ && share >= 0) first_ = Sample{now, done, share};
  if (now < next_s_) return;
  next_s_ = now + (terminal_.interactive ? options_.terminal_interval_s : options_.plain_interval_s);
  const Sample newest{now, done, share};
  samples_.push_back(newest);
  while (samples_.size() > 2 && samples_[1].at_s <= now - kRateWindow_s) samples_.pop_front();
  const std::string text = fitted_line(newest, details ? details() : "");
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

std::string ProgressLine::fitted_line(const Sample& newest, const std::string& details) {
  std::string text = line(newest, details, layout_);
  if (!terminal_.interactive) return text;
  while (layout_ != Layout::kNoBar && display_width(text) >= static_cast<size_t>(terminal_.width)) {
    layout_ = static_cast<Layout>(static_cast<unsigned char>(layout_) + 1);
    text = line(newest, details, layout_);
  }
  return text;
}

std::string ProgressLine::line(const Sample& newest, const std::string& details, Layout layout) const {
  const Sample& oldest = samples_.front();
  const double elapsed = newest.at_s - oldest.at_s;
  const bool has_share = newest.share >= 0;
  // Without a share, the count is all that tells how far it is.
  const bool is_whole = layout <= Layout::kShortBar || !has_share;
  std::string text = options_.label.empty() || !is_whole ? "" : options_.label + "  ";
  if (has_share) {
    if (terminal_.interactive && layout != Layout::kNoBar) {
      text += bar(newest.share, layout == Layout::kFull ? kBarCells : kShortBarCells, terminal_.unicode) + " ";
    }
    text += fmt::format("{:3.0f} %  ", 100 * std::min(newest.share, 1.0));
  }
  if (is_whole) text += fmt::format("{} {}  ", count_text(static_cast<double>(newest.done)), options_.unit);
  if (elapsed > 0) text += rate_text(static_cast<double>(newest.done - oldest.done) / elapsed) + "  ";
  if (has_share && newest.share < 1 && first_ && newest.share > first_->share) {
    const double share_rate = (newest.share - first_->share) / (newest.at_s - first_->at_s);
    text += "ETA " + elapsed_text((1 - newest.share) / share_rate) + "  ";
  }
  text += details;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace meterstream
