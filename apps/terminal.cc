#include "apps/terminal.h"

#include <cstdint>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace meterstream {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool locale_has_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = environment(name);
    if (value.empty()) continue;
    for (const std::string_view sign : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
      if (value.find(sign) != std::string_view::npos) return true;
    }
    return false;
  }
  return true;
}

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
  bool valid = false;
};

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const size_t length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : 2;
  static constexpr uint32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (lead < 0xc2 || lead >= 0xf5 || text.size() < length) return {lead, 1, false};
  uint32_t value = lead & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0U) != 0x80) return {lead, 1, false};
    value = (value << 6) | (byte & 0x3fU);
  }
  const bool is_surrogate = value >= 0xd800 && value < 0xe000;
  if (value < kLowest[length] || value > 0x10ffff || is_surrogate) return {lead, 1, false};
  return {value, length, true};
}

// The common ranges of Unicode's East Asian Width and combining marks; enough for names and units.
size_t width_of(uint32_t value) {
  if ((value >= 0x300 && value < 0x370) || (value >= 0x200b && value <= 0x200f) || value == 0xfeff) return 0;
  const bool is_wide = (value >= 0x1100 && value <= 0x115f) || (value >= 0x2e80 && value <= 0xa4cf) ||
                       (value >= 0xac00 && value <= 0xd7a3) || (value >= 0xf900 && value <= 0xfaff) ||
                       (value >= 0xfe30 && value <= 0xfe6f) || (value >= 0xff00 && value <= 0xff60) ||
                       (value >= 0x1f300 && value <= 0x1faff);
  return is_wide ? 2 : 1;
}

}  // namespace

Terminal terminal_of(int file_descriptor) {
  Terminal terminal;
  terminal.interactive = isatty(file_descriptor) == 1;
  const std::string_view kind = environment("TERM");
  terminal.colour = terminal.interactive && environment("NO_COLOR").empty() && kind != "dumb";
  terminal.unicode = locale_has_unicode() && kind != "dumb";
  winsize size{};
  if (terminal.interactive && ioctl(file_descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

std::string coloured(const Terminal& terminal, Colour colour, std::string_view text) {
  if (!terminal.colour) return std::string(text);
  static constexpr int kCodes[] = {31, 32, 33, 34, 1, 2};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<size_t>(colour)], text);
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    // A colour sequence takes no column.
    if (text.starts_with("\x1b[")) {
      const size_t end = text.find('m');
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      continue;
    }
    const CodePoint point = first_code_point(text);
    width += point.valid ? width_of(point.value) : 1;
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string padded_left(std::string_view text, size_t width) {
  const size_t used = display_width(text);
  return std::string(used < width ? width - used : 0, ' ').append(text);
}

std::string padded_right(std::string_view text, size_t width) {
  const size_t used = display_width(text);
  std::string result(text);
  if (used < width) result.append(width - used, ' ');
  return result;
}

std::string shortened(std::string_view text, size_t width, bool unicode) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string result;
  size_t used = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const size_t columns = point.valid ? width_of(point.value) : 1;
    if (used + columns > width - 1) break;
    result.append(text.substr(0, point.bytes));
    used += columns;
    text.remove_prefix(point.bytes);
  }
  return result + (unicode ? "…" : "~");
}

std::string escaped(std::string_view bytes) {
  std::string result;
  while (!bytes.empty()) {
    const CodePoint point = first_code_point(bytes);
    if (!point.valid || point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0)) {
      if (bytes[0] == '\n') {
        result += "\\n";
      } else if (bytes[0] == '\t') {
        result += "\\t";
      } else {
        for (size_t i = 0; i < point.bytes; ++i) result += fmt::format("\\x{:02x}", static_cast<uint8_t>(bytes[i]));
      }
    } else if (bytes[0] == '\\') {
      result += "\\\\";
    } else {
      result.append(bytes.substr(0, point.bytes));
    }
    bytes.remove_prefix(point.bytes);
  }
  return result;
}

}  // namespace meterstream
