#include "http/http_message.h"

#include <algorithm>

namespace meterstream {

namespace {

char small_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool is_same_header(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return small_letter(x) == small_letter(y); });
}

void HttpHeaders::add(std::string_view name, std::string_view value) {
  if (places_.empty()) {
    // Most messages have no more.
    places_.reserve(8);
    text_.reserve(192);
  }
  places_.push_back({.name_at = static_cast<uint32_t>(text_.size()),
                     .name_size = static_cast<uint32_t>(name.size()),
                     .value_size = static_cast<uint32_t>(value.size())});
  text_.append(name).append(value);
}

HttpHeaders::Field HttpHeaders::at(size_t index) const {
  const Place& place = places_[index];
  const std::string_view text = text_;
  return {text.substr(place.name_at, place.name_size), text.substr(place.name_at + place.name_size, place.value_size)};
}

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
  for (size_t index = 0; index < places_.size(); ++index) {
    if (const Field field = at(index); is_same_header(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view reason_of_status(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

}  // namespace meterstream
