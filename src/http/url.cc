#include "http/url.h"

#include <algorithm>

namespace meterstream {

namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '+' && plus_is_space) {
      decoded.push_back(' ');
    } else if (c != '%') {
      decoded.push_back(c);
    } else {
      if (text.size() - at < 3) return std::nullopt;
      const int high = digit_of(text[at + 1]);
      const int low = digit_of(text[at + 2]);
      if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
      decoded.push_back(static_cast<char>(high * 16 + low));
      at += 2;
    }
  }
  return decoded;
}

std::optional<TargetParts> split_target(std::string_view target) {
  if (target == "*") return TargetParts{.path = "*", .query = {}};
  if (std::ranges::any_of(target, is_control)) return std::nullopt;
  if (!target.starts_with('/')) {
    const bool is_absolute = target.starts_with("http://") || target.starts_with("https://");
    if (!is_absolute) return std::nullopt;
    target.remove_prefix(target.find("//") + 2);
    const size_t end_of_host = target.find_first_of("/?");
    if (end_of_host == 0 || target.empty()) return std::nullopt;
    target = end_of_host == std::string_view::npos ? "/" : target.substr(end_of_host);
  }
  if (const size_t fragment = target.find('#'); fragment != std::string_view::npos) target = target.substr(0, fragment);
  const size_t mark = target.find('?');
  auto path = percent_decoded(target.substr(0, mark), false);
  if (!path) return std::nullopt;
  if (path->empty()) path = "/";
  return TargetParts{.path = *std::move(path),
                     .query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1)};
}

std::optional<std::vector<QueryParameter>> query_parameters(std::string_view query) {
  std::vector<QueryParameter> parameters;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    auto name = percent_decoded(part.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::string() : percent_decoded(part.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    parameters.push_back({.name = *std::move(name), .value = *std::move(value)});
  }
  return parameters;
}

}  // namespace meterstream
