#include "apps/option_check.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest_name.h"

namespace meterstream {

CLI::Validator whole_number_from(int64_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && rest == end && number >= least) return {};
    return fmt::format("'{}' is not a whole number of at least {}", text, least);
  };
  return CLI::Validator(check, "");
}

CLI::Validator one_of(std::vector<std::string> words) {
  const std::string all = fmt::format("{}", fmt::join(words, ", "));
  const auto check = [all, words = std::move(words)](const std::string& text) -> std::string {
    if (std::ranges::find(words, text) != words.end()) return {};
    return fmt::format("'{}' is none of {}.{}", text, all, did_you_mean(text, words));
  };
  return CLI::Validator(check, fmt::format("{{{}}}", all));
}

}  // namespace meterstream
