#include "apps/option_check.h"

#include <charconv>

#include <fmt/format.h>

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

}  // namespace meterstream
