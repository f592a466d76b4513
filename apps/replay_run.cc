#include "apps/replay_run.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace meterstream {
namespace {

constexpr int64_t kLongestPublish = 16'384;
constexpr int64_t kLongestSleep_ns = 20'000'000;

}  // namespace

ReplayRun::ReplayRun(ReplaySource& source, ReplayPublisher& publisher, const Clock& clock,
                     const std::atomic<bool>& stop, ReplayRunOptions options)
    : source_(source),
      publisher_(publisher),
      clock_(clock),
      stop_(stop),
      options_(options),
      bucket_(options_.rate, clock.monotonic_ns()),
      position_(options_.resume_at),
      committed_ns_(clock.monotonic_ns()) {}

Status ReplayRun::run(const std::function<void(int64_t readings, double share)>& report) {
  std::vector<IndexedReading> chunk;
  if (position_.line > 0) RETURN_IF_ERROR(source_.start_at(position_.line));
  while (!stop_ && !has_enough()) {
    Result<bool> more = source_.next(chunk);
    if (!more) {
      // What was good before the fault is kept, always the same.
      RETURN_IF_ERROR(publisher_.finish());
      return std::move(more).error();
    }
    if (!*more) {
      complete_ = true;
      break;
    }
    if (source_.line() != position_.line) {
      position_.line = source_.line();
      position_.done_in_line = 0;
    }
    const auto done = std::min(chunk.size(), static_cast<size_t>(position_.done_in_line));
    RETURN_IF_ERROR(publish_chunk(std::span<const IndexedReading>(chunk).subspan(done)));
    report(position_.readings, share());
  }
  complete_ = complete_ || has_enough();
  return publisher_.finish();
}

Status ReplayRun::publish_chunk(std::span<const IndexedReading> readings) {
  while (!readings.empty() && !stop_ && !has_enough()) {
    const int64_t now_ns = clock_.monotonic_ns();
    auto wanted = std::min(static_cast<int64_t>(readings.size()), kLongestPublish);
    if (options_.count) wanted = std::min(wanted, *options_.count - position_.readings);
    const int64_t given = bucket_.take(wanted, now_ns);
    if (given == 0) {
      RETURN_IF_ERROR(commit_when_due(now_ns));
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(bucket_.wait_ns(), kLongestSleep_ns)));
      continue;
    }
    position_.done_in_line += given;
    position_.readings += given;
    RETURN_IF_ERROR(publisher_.publish(readings.first(static_cast<size_t>(given)), position_));
    readings = readings.subspan(static_cast<size_t>(given));
    RETURN_IF_ERROR(commit_when_due(now_ns));
  }
  return {};
}

Status ReplayRun::commit_when_due(int64_t now_ns) {
  if (now_ns - committed_ns_ < options_.commit_interval_ms * 1'000'000) return {};
  committed_ns_ = now_ns;
  return publisher_.commit_soon();
}

double ReplayRun::share() const {
  if (!options_.count) return source_.share();
  const double by_count = static_cast<double>(position_.readings) / static_cast<double>(*options_.count);
  return std::max(by_count, source_.share());
}

}  // namespace meterstream
