// Whatever the target of a request is: its parts are found or it is refused, and parts that are encoded again read back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/url.h"

namespace {

std::string encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte / 16], kDigits[byte % 16]};
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parts = meterstream::split_target(text)) {
    CHECK(!parts->path.empty());
    if (parts->path.front() == '/' && parts->path.find('\0') == std::string::npos) {
      const auto again = meterstream::split_target("/" + encoded(std::string_view(parts->path).substr(1)));
      CHECK(again && again->path == parts->path);
    }
  }
  if (const auto parameters = meterstream::query_parameters(text)) {
    std::string query;
    for (const auto& parameter : *parameters) query += encoded(parameter.name) + "=" + encoded(parameter.value) + "&";
    const auto again = meterstream::query_parameters(query);
    // A literal NUL byte is taken, an encoded one is not.
    if (text.find('\0') == std::string_view::npos) CHECK(again && *again == *parameters);
  }
  return 0;
}
