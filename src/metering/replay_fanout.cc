#include "metering/replay_fanout.h"

#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "metering/timestamp.h"

namespace meterstream {

Result<ReplayFanout> ReplayFanout::create(const std::vector<MetricRegister>& registers, FanoutConfig config) {
  CHECK(!registers.empty());
  if (config.first_household < 0 || config.last_household < config.first_household)
    return invalid(fmt::format("households {}-{} is not a range; write the first and the last one, such as 1-20",
                               config.first_household, config.last_household));
  const auto households = static_cast<uint64_t>(config.last_household - config.first_household) + 1;
  if (households > UINT32_MAX / registers.size())
    return invalid(fmt::format("households {}-{} are too many series; at most {} households are possible",
                               config.first_household, config.last_household, UINT32_MAX / registers.size()));
  return ReplayFanout(registers, std::move(config));
}

ReplayFanout::ReplayFanout(const std::vector<MetricRegister>& registers, FanoutConfig config)
    : config_(std::move(config)), width_(registers.size()) {
  series_.reserve(width_ * static_cast<size_t>(config_.last_household - config_.first_household + 1));
  for (int64_t household = config_.first_household; household <= config_.last_household; ++household) {
    const std::string gateway = fmt::format("{}{}", config_.gateway_prefix, household);
    for (const MetricRegister& one : registers) series_.push_back({gateway, one.metric_type, one.metric_attribute});
  }
}

void ReplayFanout::append_row(const DatasetBatch& batch, size_t row, std::vector<IndexedReading>& out) const {
  CHECK(batch.width == width_ && row < batch.rows);
  const EventTime timestamp(batch.timestamps[row].value + config_.day_offset * kMsPerDay);
  const double* values = batch.values.data() + row * width_;
  uint32_t series = 0;
  for (int64_t household = config_.first_household; household <= config_.last_household; ++household) {
    const double offset = config_.raw ? 0.0 : 0.001 * static_cast<double>(household);
    for (size_t i = 0; i < width_; ++i, ++series) {
      if (!std::isnan(values[i])) out.push_back({timestamp, values[i] + offset, series});
    }
  }
}

}  // namespace meterstream
