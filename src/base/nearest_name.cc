#include "base/nearest_name.h"

#include <algorithm>
#include <vector>

namespace meterstream {
namespace {

char lowered(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

}  // namespace

size_t edit_distance(std::string_view one, std::string_view other) {
  constexpr size_t kLongest = 64;
  if (one.size() > kLongest || other.size() > kLongest) return kLongest;
  const size_t width = other.size() + 1;
  std::vector<size_t> table((one.size() + 1) * width);
  const auto at = [&](size_t i, size_t j) -> size_t& { return table[i * width + j]; };
  for (size_t i = 0; i <= one.size(); ++i) {
    for (size_t j = 0; j <= other.size(); ++j) {
      if (i == 0 || j == 0) {
        at(i, j) = i + j;
        continue;
      }
      const bool same = lowered(one[i - 1]) == lowered(other[j - 1]);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lowered(one[i - 1]) == lowered(other[j - 2]) &&
                           lowered(one[i - 2]) == lowered(other[j - 1]);
      if (swapped) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(one.size(), other.size());
}

size_t mistakes_between(std::string_view name, std::string_view candidate) {
  if (name.size() >= 4 && candidate.size() > name.size() &&
      edit_distance(name, candidate.substr(0, name.size())) == 0) {
    return 1;
  }
  return edit_distance(name, candidate);
}

}  // namespace meterstream
