// Purpose: requests and responses of HTTP as handlers see them.
// Thread-safety: values. Ownership: views point into the message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meterstream {

/// Header fields in the order they came, in one piece of memory.
class HttpHeaders {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<Field> fields) {
    for (const Field& field : fields) add(field.name, field.value);
  }

  void add(std::string_view name, std::string_view value);
  /// The first of that name, whatever its letter case.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// The first of that name, or an empty text.
  [[nodiscard]] std::string_view value(std::string_view name) const { return find(name).value_or(std::string_view()); }
  [[nodiscard]] size_t size() const { return places_.size(); }
  [[nodiscard]] Field at(size_t index) const;

 private:
  struct Place {
    uint32_t name_at = 0;
    uint32_t name_size = 0;
    uint32_t value_size = 0;  ///< behind the name
  };
  std::string text_;
  std::vector<Place> places_;
};

enum class HttpVersion : uint8_t { k10, k11, k2 };

struct HttpRequest {
  std::string method;
  std::string target;  ///< as it was sent
  std::string path;    ///< without the query, percent-decoded; begins with '/' but for "OPTIONS *"
  std::string query;   ///< behind '?', as it was sent
  HttpHeaders headers;
  std::string body;
  HttpVersion version = HttpVersion::k11;
  bool is_tls = false;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

/// "OK", "Not Found", ... ; empty for a status without one.
std::string_view reason_of_status(int status);
/// Whether two names of header fields are the same: letter case of A to Z does not count.
bool is_same_header(std::string_view a, std::string_view b);

}  // namespace meterstream
