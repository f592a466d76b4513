#include "http/connection.h"

#include <utility>

#include <fmt/format.h>

namespace meterstream {

namespace {

/// The connection whose handler runs on this thread.
thread_local const Connection* handling = nullptr;

}  // namespace

void Connection::exchange_changed(int32_t stream) {
  if (handling != this) host_.post_pump(shared_from_this(), stream);
}

void Connection::check_deadline(SteadyTime now) {
  if (is_closed_) return;
  if (now >= write_deadline_) return close();
  if (now >= deadline_) on_deadline();
}

void Connection::close() {
  if (is_closed_) return;
  is_closed_ = true;
  const auto self = shared_from_this();
  on_close();
  if (transport_) transport_->close();
  host_.removed(*this);
}

void Connection::flush() {
  if (is_closed_ || write_waits_) return;
  while (true) {
    if (written_ == writing_.size()) {
      writing_.clear();
      written_ = 0;
      // What a burst needed is not kept while the connection rests.
      constexpr size_t kKeptBytes = 4096;
      if (writing_.capacity() > kKeptBytes) std::string().swap(writing_);
      if (queued_.empty()) break;
      writing_.swap(queued_);
    }
    const size_t size = transport_->write(std::string_view(writing_).substr(written_), shared_from_this());
    if (size == 0) {
      write_waits_ = true;
      write_deadline_ = std::chrono::steady_clock::now() + host_.options().slow_client_timeout;
      return;
    }
    written_ += size;
    on_progress();
    if (is_closed_) return;
  }
  on_drained();
}

void Connection::on_written(size_t bytes) {
  if (is_closed_) return;
  if (bytes == 0) return close();
  write_waits_ = false;
  write_deadline_ = SteadyTime::max();
  written_ += bytes;
  on_progress();
  flush();
}

void Connection::call_handler(const std::shared_ptr<Exchange>& exchange) {
  const SendingThread sending;
  handling = this;
  host_.handler()(std::as_const(*exchange).request(), HttpResponder(exchange));
  handling = nullptr;
}

std::optional<HttpResponse> Connection::refusal_of(const HttpRequest& request) const {
  return host_.head_check() ? host_.head_check()(request) : std::nullopt;
}

HttpResponse Connection::plain_answer(int status) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain"}},
          .body = fmt::format("{} {}\n", status, reason_of_status(status))};
}

}  // namespace meterstream
