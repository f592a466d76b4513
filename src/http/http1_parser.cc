#include "http/http1_parser.h"

#include <boost/asio/buffer.hpp>

#include "http/url.h"

namespace meterstream {

namespace http = boost::beast::http;

namespace {

std::string_view view_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

int status_of(const boost::beast::error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  return 400;
}

}  // namespace

size_t Http1Parser::take(std::string_view bytes) {
  Error error;
  const size_t taken = put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error && error != http::error::need_more && status_of_fault_ == 0) status_of_fault_ = status_of(error);
  return taken;
}

void Http1Parser::on_request_impl(http::verb /*verb*/, View method, View target, int version, Error& error) {
  request_.method = view_of(method);
  request_.target = view_of(target);
  header_bytes_ = method.size() + target.size() + std::string_view("  HTTP/1.1\r\n").size();
  request_.version = version == 10 ? HttpVersion::k10 : HttpVersion::k11;
  auto parts = split_target(request_.target);
  if (!parts) {
    error = http::error::bad_target;
    return;
  }
  request_.query = parts->query;
  request_.path = std::move(parts->path);
}

void Http1Parser::on_field_impl(http::field name, View name_text, View value, Error& error) {
  // Beast's limit is one of the bytes that wait for the end of a line: lines that come one by one pass it.
  header_bytes_ += name_text.size() + value.size() + std::string_view(": \r\n").size();
  if (header_bytes_ > header_limit_bytes_) {
    error = http::error::header_limit;
    return;
  }
  if (is_behind_header_) return;
  request_.headers.add(view_of(name_text), view_of(value));
  if (name == http::field::host) {
    if (has_host_) error = http::error::bad_field;
    has_host_ = true;
  } else if (name == http::field::expect) {
    if (!is_same_header(view_of(value), "100-continue")) {
      status_of_fault_ = 417;
      error = http::error::bad_value;
    }
    expects_continue_ = true;
  } else if (name == http::field::transfer_encoding && !is_same_header(view_of(value), "chunked")) {
    status_of_fault_ = 501;
    error = http::error::bad_transfer_encoding;
  }
}

void Http1Parser::on_header_impl(Error& error) {
  is_behind_header_ = true;
  // RFC 9112 3.2: who leaves out Host is answered with 400.
  if (!has_host_ && request_.version == HttpVersion::k11) error = http::error::bad_field;
  if (chunked() && request_.version == HttpVersion::k10) error = http::error::bad_transfer_encoding;
}

size_t Http1Parser::on_body_impl(View body, Error& error) {
  if (exchange_.append_body(view_of(body))) return body.size();
  status_of_fault_ = 503;
  error = http::error::body_limit;
  return 0;
}

size_t Http1Parser::on_chunk_body_impl(uint64_t /*remaining*/, View body, Error& error) {
  return on_body_impl(body, error);
}

}  // namespace meterstream
