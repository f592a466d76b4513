// Purpose: the request of an exchange, of HTTP/1.x, from bytes, by Boost.Beast's parser. Private to src/http.
// Limits: of header (with the request line and what follows the last chunk) and body, in bytes. A piece that cannot be taken before
//         its end has come is the caller's to limit. Fields behind the body are read and left.
// Thread-safety: none.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "http/exchange.h"
#include "http/http_message.h"

namespace meterstream {

class Http1Parser final : public boost::beast::http::basic_parser<true> {
 public:
  Http1Parser(Exchange& exchange, size_t header_limit_bytes, size_t body_limit_bytes)
      : exchange_(exchange), request_(exchange.request()), header_limit_bytes_(header_limit_bytes) {
    eager(true);
    header_limit(static_cast<uint32_t>(header_limit_bytes));
    body_limit(body_limit_bytes);
  }

  /// Takes some of the bytes. Afterwards is_done(), status_of_fault() != 0, or more are needed.
  size_t take(std::string_view bytes);
  /// What to answer when the request cannot be understood; 0 while it can.
  [[nodiscard]] int status_of_fault() const { return status_of_fault_; }
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }

 private:
  using Error = boost::beast::error_code;
  using View = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb verb, View method, View target, int version, Error& error) override;
  void on_response_impl(int /*code*/, View /*reason*/, int /*version*/, Error& /*error*/) override {}
  void on_field_impl(boost::beast::http::field name, View name_text, View value, Error& error) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const boost::optional<uint64_t>& /*size*/, Error& /*error*/) override {}
  size_t on_body_impl(View body, Error& error) override;
  void on_chunk_header_impl(uint64_t /*size*/, View /*extensions*/, Error& /*error*/) override {}
  size_t on_chunk_body_impl(uint64_t remaining, View body, Error& error) override;
  void on_finish_impl(Error& /*error*/) override {}

  Exchange& exchange_;
  HttpRequest& request_;
  const size_t header_limit_bytes_;
  size_t header_bytes_ = 0;
  bool is_behind_header_ = false;
  int status_of_fault_ = 0;
  bool expects_continue_ = false;
  bool has_host_ = false;
};

}  // namespace meterstream
