#include "apps/nearest_name.h"

#include <algorithm>

#include <fmt/format.h>

namespace meterstream {

size_t edit_distance(std::string_view from, std::string_view to) {
  // Three rows of the usual table: a swap looks two rows back.
  std::vector<size_t> before_previous(to.size() + 1);
  std::vector<size_t> previous(to.size() + 1);
  std::vector<size_t> current(to.size() + 1);
  for (size_t column = 0; column <= to.size(); ++column) previous[column] = column;
  for (size_t row = 1; row <= from.size(); ++row) {
    current[0] = row;
    for (size_t column = 1; column <= to.size(); ++column) {
      const size_t replaced = previous[column - 1] + (from[row - 1] == to[column - 1] ? 0 : 1);
      current[column] = std::min({replaced, previous[column] + 1, current[column - 1] + 1});
      if (row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1]) {
        current[column] = std::min(current[column], before_previous[column - 2] + 1);
      }
    }
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return previous[to.size()];
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(name.size() / 2, 2);
  for (const std::string& candidate : candidates) {
    // A name cut short ("--house") counts as a small mistake.
    const bool is_prefix = name.size() >= 4 && candidate.starts_with(name);
    const size_t distance = is_prefix ? 1 : edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest);
}

}  // namespace meterstream
