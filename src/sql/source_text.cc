#include "sql/source_text.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr size_t kLongestShownLine = 2000;

bool continues_character(char byte) {
  return (static_cast<uint8_t>(byte) & 0xc0) == 0x80;
}

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

Error SourceText::error_at(size_t offset, std::string_view message) const {
  offset = std::min(offset, text_.size());
  const std::string_view before = text_.substr(0, offset);
  const size_t line = first_line_ + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t newline = before.rfind('\n');
  const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  std::string_view shown_line = text_.substr(line_begin, text_.find('\n', offset) - line_begin);
  if (shown_line.ends_with('\r')) shown_line.remove_suffix(1);

  std::string indent;
  size_t column = 1;
  for (const char byte : before.substr(line_begin)) {
    if (continues_character(byte)) continue;
    ++column;
    indent.push_back(byte == '\t' ? '\t' : ' ');
  }
  std::string text = fmt::format("{}:{}:{}: {}", file_name_, line, column, message);
  if (shown_line.size() > kLongestShownLine) return invalid(std::move(text));
  std::string printable(shown_line);
  for (char& byte : printable) {
    const auto code = static_cast<uint8_t>(byte);
    if ((code < 0x20 && byte != '\t') || code == 0x7f) byte = '?';
  }
  return invalid(fmt::format("{}\n  {}\n  {}^", text, printable, indent));
}

bool equals_ignoring_case(std::string_view one, std::string_view other) {
  return one.size() == other.size() &&
         std::equal(one.begin(), one.end(), other.begin(), [](char a, char b) { return lowered(a) == lowered(b); });
}

std::string shown(std::string_view text) {
  constexpr size_t kLongest = 60;
  std::string out = "'";
  size_t end = std::min(text.size(), kLongest);
  while (end > 0 && end < text.size() && continues_character(text[end])) --end;
  for (const char byte : text.substr(0, end)) {
    const auto code = static_cast<uint8_t>(byte);
    if (code < 0x20 || code == 0x7f) {
      out += fmt::format("\\x{:02x}", code);
    } else {
      out.push_back(byte);
    }
  }
  return out + (end < text.size() ? "...'" : "'");
}

}  // namespace meterstream
