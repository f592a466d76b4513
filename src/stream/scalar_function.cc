#include "stream/scalar_function.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace meterstream {

std::span<const ScalarFunction> scalar_functions() {
  static const std::vector<ScalarFunction> all_functions = [] {
    std::vector<ScalarFunction> all;
    for (auto part : {number_functions(), text_functions(), time_functions(), json_functions()})
      std::ranges::move(part, std::back_inserter(all));
    return all;
  }();
  return all_functions;
}

}  // namespace meterstream
