// Purpose: what the place that output goes to can show, and the width of text in it.
// Rule: colours only on a terminal, never when NO_COLOR is set (no-color.org) or TERM is dumb; block characters unless
//       the locale is set and is not UTF-8.
// Thread-safety: values and pure functions; terminal_of reads the environment and asks the system.
#pragma once

#include <string>
#include <string_view>

namespace meterstream {

struct Terminal {
  bool interactive = false;
  bool colour = false;
  bool unicode = true;
  /// Columns; 100 when it is not a terminal.
  int width = 100;
};

/// The terminal behind a file descriptor (1 or 2).
Terminal terminal_of(int file_descriptor);

enum class Colour : unsigned char { kRed, kGreen, kYellow, kBlue, kBold, kFaint };
/// `text`, coloured where the terminal shows colours.
std::string coloured(const Terminal& terminal, Colour colour, std::string_view text);

/// Columns that UTF-8 `text` takes: East Asian wide characters count two, combining marks none.
size_t display_width(std::string_view text);
std::string padded_left(std::string_view text, size_t width);
std::string padded_right(std::string_view text, size_t width);
/// At most `width` columns; what was cut off is shown as "…" (or "~").
std::string shortened(std::string_view text, size_t width, bool unicode = true);
/// Bytes that are not printable UTF-8 as \xNN, \n, \t; backslashes doubled.
std::string escaped(std::string_view bytes);

}  // namespace meterstream
