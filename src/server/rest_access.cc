#include "server/rest_access.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "http/http_message.h"

namespace meterstream {

namespace {

bool is_equal_in_constant_time(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (size_t index = 0; index < given.size(); ++index) {
    const char expected = secret.empty() ? '\0' : secret[index % secret.size()];
    difference |= static_cast<unsigned char>(given[index]) ^ static_cast<unsigned char>(expected);
  }
  return difference == 0;
}

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int sextet_of(char c) {
  const size_t place = kLetters.find(c);
  return place == std::string_view::npos ? -1 : static_cast<int>(place);
}

std::optional<std::string> base64_decoded(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string decoded;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int sextet = sextet_of(c);
    if (sextet < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<uint32_t>(sextet);
    count += 6;
    if (count >= 8) {
      count -= 8;
      decoded.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU));
    }
  }
  return decoded;
}

}  // namespace

bool is_authorized(std::string_view authorization, std::string_view bearer_token, std::string_view basic_login) {
  const size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view scheme = authorization.substr(0, space);
  std::string_view rest = authorization.substr(space + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (is_same_header(scheme, "Bearer")) return !bearer_token.empty() && is_equal_in_constant_time(rest, bearer_token);
  if (!is_same_header(scheme, "Basic") || basic_login.empty()) return false;
  const auto login = base64_decoded(rest);
  return login && is_equal_in_constant_time(*login, basic_login);
}

bool is_loopback_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']')) == "[::1";
  const std::string_view name = host.substr(0, host.find(':'));
  if (is_same_header(name, "localhost")) return true;
  return name.starts_with("127.") &&
         std::ranges::all_of(name, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

bool is_same_origin(std::string_view origin, std::string_view host) {
  const size_t slashes = origin.find("://");
  return slashes != std::string_view::npos && is_same_header(origin.substr(slashes + 3), host);
}

std::string basic_authorization(std::string_view login) {
  std::string text = "Basic ";
  for (size_t begin = 0; begin < login.size(); begin += 3) {
    const std::string_view bytes = login.substr(begin, 3);
    uint32_t bits = 0;
    for (size_t index = 0; index < 3; ++index)
      bits = (bits << 8U) | (index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U);
    for (size_t index = 0; index < 4; ++index)
      text += index <= bytes.size() ? kLetters[(bits >> (18U - 6U * static_cast<uint32_t>(index))) & 63U] : '=';
  }
  return text;
}

}  // namespace meterstream
