#include <algorithm>

#include <fmt/format.h>

#include "sql/statement.h"

namespace meterstream {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Behind what begins at `at`, if it is a comment; else `at`.
size_t end_of_comment(std::string_view text, size_t at) {
  if (text.substr(at).starts_with("--")) return std::min(text.find('\n', at), text.size());
  if (!text.substr(at).starts_with("/*")) return at;
  const size_t end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

}  // namespace

std::vector<StatementPart> split_statements(std::string_view text) {
  std::vector<StatementPart> parts;
  size_t begin = std::string_view::npos;  // of the first word of the part
  const auto add = [&](size_t end, bool is_complete) {
    if (begin == std::string_view::npos) return;
    const std::string_view before = text.substr(0, begin);
    const size_t newline = before.rfind('\n');
    parts.push_back({text.substr(begin, end - begin),
                     1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n')),
                     newline == std::string_view::npos ? begin : begin - newline - 1, is_complete});
    begin = std::string_view::npos;
  };
  for (size_t at = 0; at < text.size();) {
    if (const size_t end = end_of_comment(text, at); end != at) {
      at = end;
      continue;
    }
    const char c = text[at];
    if (c == ';') {
      add(at, true);
    } else if (!is_blank(c) && begin == std::string_view::npos) {
      begin = at;
    }
    if (c == '\'' || c == '"' || c == '`') {
      // A doubled quote ends one text and begins the next.
      const size_t close = text.find(c, at + 1);
      at = close == std::string_view::npos ? text.size() : close + 1;
      continue;
    }
    ++at;
  }
  add(text.size(), false);
  return parts;
}

Result<std::string> with_variables(std::string_view text, const std::map<std::string, std::string>& variables) {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t open = text.find("${", at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string name(text.substr(open + 2, close - open - 2));
    const auto found = std::ranges::find_if(
        variables, [&](const auto& variable) { return equals_ignoring_case(variable.first, name); });
    if (found == variables.end()) {
      return invalid(fmt::format("the variable {} is not defined; DEFINE {} = '...'; gives it a value", shown(name),
                                 name.empty() ? "name" : name));
    }
    out += text.substr(at, open - at);
    out += found->second;
    at = close + 1;
  }
  out += text.substr(at);
  return out;
}

std::string_view ParsedStatement::text() const {
  std::string_view text = padded_;
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && (is_blank(text.back()) || text.back() == ';')) text.remove_suffix(1);
  return text;
}

}  // namespace meterstream
