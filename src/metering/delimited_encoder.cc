#include "metering/delimited_encoder.h"

#include <algorithm>

namespace meterstream {

void append_delimited_field(std::string& out, std::string_view text, char delimiter) {
  const bool is_plain = !text.empty() && std::ranges::none_of(text, [&](char byte) {
    return byte == delimiter || byte == '"' || byte == '\n' || byte == '\r';
  });
  if (is_plain) {
    out += text;
    return;
  }
  out += '"';
  for (const char byte : text) out.append(byte == '"' ? 2 : 1, byte);
  out += '"';
}

}  // namespace meterstream
