// Purpose: proposes the name that somebody who mistyped may have meant.
// Rules: case is ignored; insert, delete, replace and the swap of neighbours are one mistake each; a name of at least four
//        letters that was cut short counts as one mistake.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meterstream {

/// Mistakes from one to the other; 64 when a name is longer than 64 bytes.
size_t edit_distance(std::string_view one, std::string_view other);

/// edit_distance, or 1 when `name` is the beginning of `candidate`.
size_t mistakes_between(std::string_view name, std::string_view candidate);

/// Most mistakes at which `name` still counts as a misspelling.
constexpr size_t misspelling_limit(std::string_view name) {
  return name.size() <= 3 ? 1 : name.size() <= 7 ? 2 : 3;
}

/// The candidate closest to `name` when it is close enough to be a misspelling; else empty.
template <class Names>
std::string nearest_name(std::string_view name, const Names& candidates) {
  std::string best;
  size_t best_distance = misspelling_limit(name) + 1;
  for (const auto& candidate : candidates) {
    const size_t distance = mistakes_between(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = std::string(candidate);
    }
  }
  return best;
}

/// " Did you mean 'x'?", or nothing.
template <class Names>
std::string did_you_mean(std::string_view name, const Names& candidates) {
  const std::string nearest = nearest_name(name, candidates);
  return nearest.empty() ? "" : " Did you mean '" + nearest + "'?";
}

}  // namespace meterstream
