#include "apps/shell_text.h"

namespace meterstream {

std::string shell_quoted(std::string_view text) {
  const auto is_plain = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           std::string_view("-_./:,=+").find(letter) != std::string_view::npos;
  };
  bool plain = !text.empty();
  for (const char letter : text) plain = plain && is_plain(letter);
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (const char letter : text) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return quoted + "'";
}

}  // namespace meterstream
