#include "sql/option_reader.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "metering/duration.h"

namespace meterstream {
namespace {

constexpr int64_t kLongestMs = int64_t{36'525} * 86'400'000;
// A statement that wrote or deleted one would take away what all others have made.
constexpr std::string_view kOwnTopics = "_meterstream-";

int64_t length_ms_of(ast::TimeUnit unit) {
  switch (unit) {
    case ast::TimeUnit::kMillisecond:
      return 1;
    case ast::TimeUnit::kSecond:
      return 1'000;
    case ast::TimeUnit::kMinute:
      return 60'000;
    case ast::TimeUnit::kHour:
      return 3'600'000;
    case ast::TimeUnit::kDay:
      return 86'400'000;
  }
  return 1;
}

std::optional<ast::TimeUnit> time_unit(std::string_view word) {
  using ast::TimeUnit;
  constexpr std::pair<std::string_view, TimeUnit> kUnits[] = {{"millisecond", TimeUnit::kMillisecond},
                                                              {"second", TimeUnit::kSecond},
                                                              {"minute", TimeUnit::kMinute},
                                                              {"hour", TimeUnit::kHour},
                                                              {"day", TimeUnit::kDay}};
  for (const auto& [name, unit] : kUnits) {
    if (equals_ignoring_case(word, name)) return unit;
    if (!word.empty() && (word.back() == 's' || word.back() == 'S') &&
        equals_ignoring_case(word.substr(0, word.size() - 1), name)) {
      return unit;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> milliseconds_of(const ast::TimeLength& length) {
  const int64_t unit = length_ms_of(length.unit);
  if (length.count > kLongestMs / unit || length.count < -kLongestMs / unit) return std::nullopt;
  return length.count * unit;
}

Result<int64_t> parse_time_length(std::string_view text) {
  const size_t space = text.find(' ');
  if (space != std::string_view::npos) {
    int64_t count = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + space, count);
    const size_t word = text.find_first_not_of(' ', space);
    const auto unit = word == std::string_view::npos ? std::nullopt : time_unit(text.substr(word));
    if (failed == std::errc() && end == text.data() + space && count >= 0 && unit) {
      const auto length = milliseconds_of(ast::TimeLength{count, *unit, {}});
      if (length) return *length;
    }
  } else {
    const Result<int64_t> parsed = parse_duration(text);
    if (parsed && *parsed <= kLongestMs) return *parsed;
  }
  return invalid(fmt::format("{} is no length of time up to 100 years; write it like '30 seconds', '1 hour' or '5m'",
                             shown(text)));
}

std::string topic_name_fault(std::string_view name) {
  constexpr size_t kLongestName = 249;
  if (name.empty()) return "a topic's name cannot be empty";
  if (name.size() > kLongestName) return "a topic's name has at most 249 characters";
  if (name == "." || name == "..") return "a topic cannot be called '.' or '..'";
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (!is_plain) return "a topic's name has letters, digits, '.', '_' and '-' only";
  if (name.starts_with(kOwnTopics))
    return fmt::format("topics whose names begin with {} keep what Meterstream itself writes down; take another",
                       kOwnTopics);
  return {};
}

const ast::Option* OptionReader::take(std::initializer_list<std::string_view> names) {
  known_.emplace_back(*names.begin());
  for (size_t i = 0; i < options_.size(); ++i) {
    const bool is_wanted = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return !used_[i] && equals_ignoring_case(options_[i].name.text, name);
    });
    if (!is_wanted) continue;
    used_[i] = true;
    return &options_[i];
  }
  return nullptr;
}

Result<std::optional<std::string>> OptionReader::text(std::initializer_list<std::string_view> names) {
  const ast::Option* option = take(names);
  if (option == nullptr) return std::nullopt;
  if (option->kind != ast::Option::Kind::kString) {
    return error(*option, fmt::format("{} needs a text in single quotes", option->name.text));
  }
  return option->value;
}

Result<std::optional<int64_t>> OptionReader::duration_ms(std::initializer_list<std::string_view> names) {
  const ast::Option* option = take(names);
  if (option == nullptr) return std::nullopt;
  if (option->kind != ast::Option::Kind::kString) {
    return error(*option, fmt::format("{} needs a length of time such as '30 seconds'", option->name.text));
  }
  const Result<int64_t> parsed = parse_time_length(option->value);
  if (!parsed) return error(*option, parsed.error().message);
  return *parsed;
}

Result<std::optional<int64_t>> OptionReader::integer(std::initializer_list<std::string_view> names, int64_t low,
                                                     int64_t high) {
  const ast::Option* option = take(names);
  if (option == nullptr) return std::nullopt;
  int64_t value = 0;
  const char* end = option->value.data() + option->value.size();
  const auto parsed = std::from_chars(option->value.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < low || value > high) {
    return error(*option, fmt::format("{} needs a whole number from {} to {}", option->name.text, low, high));
  }
  return value;
}

Result<std::optional<size_t>> OptionReader::choice(std::initializer_list<std::string_view> names,
                                                   const std::vector<std::string_view>& values) {
  const ast::Option* option = take(names);
  if (option == nullptr) return std::nullopt;
  for (size_t i = 0; i < values.size(); ++i) {
    if (equals_ignoring_case(option->value, values[i])) return i;
  }
  return error(*option, fmt::format("{} is not supported for {}; there is {}.{}", shown(option->value),
                                    option->name.text, fmt::join(values, ", "), did_you_mean(option->value, values)));
}

Result<std::optional<std::string>> OptionReader::topic() {
  const ast::Option* option = take({"topic", "kafka_topic"});
  if (option == nullptr) return std::nullopt;
  const std::string fault = option->kind != ast::Option::Kind::kString ? "a topic's name is a text in single quotes"
                                                                       : topic_name_fault(option->value);
  if (!fault.empty()) return error(*option, fault);
  return option->value;
}

Status OptionReader::finish() const {
  for (size_t i = 0; i < options_.size(); ++i) {
    if (used_[i]) continue;
    const ast::Identifier& name = options_[i].name;
    const bool is_known = std::any_of(known_.begin(), known_.end(),
                                      [&](const std::string& known) { return equals_ignoring_case(known, name.text); });
    if (is_known || equals_ignoring_case(name.text, "kafka_topic")) {
      return source_.error_at(name.position.offset, fmt::format("option {} is given twice", name.text));
    }
    const std::string nearest = nearest_name(name.text, known_);
    return source_.error_at(name.position.offset,
                            fmt::format("unknown option {}; {}", name.text,
                                        nearest.empty() ? fmt::format("there are {}", fmt::join(known_, ", "))
                                                        : fmt::format("did you mean {}?", nearest)));
  }
  return {};
}

}  // namespace meterstream
