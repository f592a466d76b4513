#include "stream/json_path.h"

#include <charconv>
#include <utility>

namespace meterstream {
namespace {

/// What stands in quotes at the beginning of `text`, which begins behind it afterwards.
std::optional<std::string> take_quoted(std::string_view& text) {
  const char quote = text.front();
  std::string name;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == quote) {
      text.remove_prefix(at + 1);
      return name;
    }
    if (text[at] == '\\') ++at;
    if (at < text.size()) name += text[at];
  }
  return std::nullopt;
}

std::optional<JsonStep> take_brackets(std::string_view& text) {
  text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  std::optional<JsonStep> step;
  if (text.front() == '\'' || text.front() == '"') {
    auto name = take_quoted(text);
    if (!name) return std::nullopt;
    step = std::move(*name);
  } else {
    size_t index = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (fault != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    step = index;
  }
  if (!text.starts_with(']')) return std::nullopt;
  text.remove_prefix(1);
  return step;
}

}  // namespace

std::optional<JsonPath> parse_json_path(std::string_view text) {
  if (!text.starts_with('$')) return std::nullopt;
  text.remove_prefix(1);
  JsonPath path;
  while (!text.empty()) {
    if (text.front() == '[') {
      auto step = take_brackets(text);
      if (!step) return std::nullopt;
      path.push_back(std::move(*step));
      continue;
    }
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
    const std::string_view name = text.substr(0, text.find_first_of(".["));
    if (name.empty()) return std::nullopt;
    path.emplace_back(std::string(name));
    text.remove_prefix(name.size());
  }
  return path;
}

}  // namespace meterstream
