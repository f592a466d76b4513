#include "http/http_responder.h"

#include <utility>

#include "base/check.h"
#include "http/exchange.h"

namespace meterstream {

HttpResponder::HttpResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

HttpResponder::~HttpResponder() {
  if (exchange_) exchange_->abandon();
}

HttpResponder& HttpResponder::operator=(HttpResponder&& other) noexcept {
  if (this != &other) {
    if (exchange_) exchange_->abandon();
    exchange_ = std::move(other.exchange_);
  }
  return *this;
}

const HttpRequest& HttpResponder::request() const {
  CHECK(exchange_);
  return std::as_const(*exchange_).request();
}

void HttpResponder::send(HttpResponse response) {
  CHECK(exchange_);
  exchange_->send(std::move(response));
}

void HttpResponder::start(int status, HttpHeaders headers) {
  CHECK(exchange_);
  exchange_->start({.status = status, .headers = std::move(headers), .body = {}});
}

HttpWrite HttpResponder::write(std::string_view chunk, std::chrono::milliseconds timeout) {
  CHECK(exchange_);
  return exchange_->write(chunk, timeout);
}

void HttpResponder::finish() {
  CHECK(exchange_);
  exchange_->finish();
}

HttpClient HttpResponder::client() const {
  CHECK(exchange_);
  return exchange_->client();
}

void HttpResponder::on_client_change(const std::function<void()>& call) {
  CHECK(exchange_);
  exchange_->on_client_change(call);
}

}  // namespace meterstream
