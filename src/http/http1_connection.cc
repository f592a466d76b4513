#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "http/connection.h"
#include "http/http1_parser.h"

namespace meterstream {

namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is taken from a stream ahead of the socket.
constexpr size_t kSendAheadBytes = size_t{64} * 1024;
/// How long a connection that is done waits for the client to close it: closing at once may destroy the answer on its way.
constexpr std::chrono::milliseconds kLinger{2'000};

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) {
    // A line break in a value would be a header of its own.
    if (c != '\r' && c != '\n' && c != '\0') out.push_back(c);
  }
  out.append("\r\n");
}

class Http1Connection final : public Connection {
 public:
  using Connection::Connection;

  void start() override {
    const auto self = shared_from_this();
    set_deadline(host_.options().idle_timeout);
    if (transport_->open(self)) {
      read();
    } else {
      set_deadline(host_.options().request_timeout);
    }
  }

  void on_open(bool opened) override {
    if (is_closed_) return;
    if (!opened) return close();
    if (transport_->agreed_http2()) return become_http2({});
    set_deadline(host_.options().idle_timeout);
    read();
  }

  void on_bytes(std::string_view bytes) override {
    if (is_closed_) return;
    reads_ = false;
    if (is_done_) return read();
    if (input_.empty()) {
      unread_ = bytes;
    } else {
      input_.append(bytes);
      unread_ = input_;
    }
    run();
  }

  void on_end(bool orderly) override {
    if (is_closed_) return;
    reads_ = false;
    has_ended_ = true;
    if (!orderly) return close();
    if (exchange_) return exchange_->client_changed(HttpClient::kSentAll);
    // Answers that are on their way, and requests that wait for room to be answered, are worked off.
    if (waits_for_room_) return;
    is_done_ = true;
    if (unsent_bytes() == 0) close();
  }

  void pump(int32_t /*stream*/) override {
    if (is_closed_) return;
    if (!runs_) unread_ = input_;
    run();
  }

  void begin_stop() override {
    keep_alive_ = false;
    if (!exchange_) close();
  }

 private:
  // Answers, then the next request, until one of both has to wait.
  void run() {
    if (runs_) {
      runs_again_ = true;
      return;
    }
    runs_ = true;
    const auto self = shared_from_this();
    do {
      runs_again_ = false;
      while (true) {
        if (exchange_) send_answer();
        waits_for_room_ = unsent_bytes() >= kSendAheadBytes;
        if (exchange_ || is_done_ || is_closed_ || unread_.empty() || waits_for_room_) break;
        if (!read_request()) break;
      }
      if (!transport_) return;  // HTTP/2 has taken over
      if (has_ended_ && !exchange_ && !waits_for_room_) is_done_ = true;
      if (!is_closed_) flush();
    } while (runs_again_ && !is_closed_);
    runs_ = false;
    keep_unread();
    if (!is_closed_) read();
  }

  void keep_unread() {
    if (!input_.empty()) {
      input_.erase(0, input_.size() - unread_.size());
    } else {
      input_.assign(unread_);
    }
    if (input_.empty() && input_.capacity() > 1024) std::string().swap(input_);
    unread_ = {};
  }

  void read() {
    if (reads_ || has_ended_) return;
    // A client that sends ahead of its answers waits for them at some point.
    const bool is_ahead = exchange_ || waits_for_room_;
    if (!is_done_ && is_ahead && input_.size() >= host_.options().header_limit_bytes) return;
    reads_ = true;
    transport_->read(shared_from_this());
  }

  /// False: more bytes are needed.
  bool read_request() {
    if (!parser_) {
      while (!unread_.empty() && (unread_.front() == '\r' || unread_.front() == '\n')) unread_.remove_prefix(1);
      if (unread_.empty()) return false;
      if (requests_ == 0 && unread_.starts_with(kHttp2Preface.substr(0, unread_.size()))) {
        if (unread_.size() >= kHttp2Preface.size()) become_http2(unread_);
        return false;
      }
      const HttpServerOptions& options = host_.options();
      next_ = std::make_shared<Exchange>(std::static_pointer_cast<ExchangeOwner>(shared_from_this()), 0,
                                         options.stream_buffer_bytes, host_.body_budget());
      next_->request().is_tls = transport_->is_tls();
      parser_.emplace(*next_, options.header_limit_bytes, options.body_limit_bytes);
      has_continued_ = false;
      is_head_checked_ = false;
      set_deadline(options.request_timeout);
    }
    const size_t taken = parser_->take(unread_);
    unread_.remove_prefix(taken);
    if (const int status = parser_->status_of_fault(); status != 0) {
      refuse(plain_answer(status));
      return true;
    }
    if (parser_->is_done()) {
      begin_exchange();
      return true;
    }
    if (parser_->is_header_done() && !std::exchange(is_head_checked_, true)) {
      if (const auto refusal = refusal_of(std::as_const(*next_).request())) {
        refuse(*refusal);
        return true;
      }
    }
    // A line around chunks, or what follows the last one, that does not end.
    if (taken == 0 && unread_.size() > host_.options().header_limit_bytes) {
      refuse(plain_answer(431));
      return true;
    }
    if (parser_->is_header_done() && parser_->expects_continue() && !has_continued_) {
      has_continued_ = true;
      queued_.append("HTTP/1.1 100 Continue\r\n\r\n");
    }
    return taken > 0;
  }

  void begin_exchange() {
    ++requests_;
    keep_alive_ = parser_->keep_alive() && !host_.is_stopping();
    parser_.reset();
    exchange_ = std::move(next_);
    rests_ = false;
    clear_deadline();
    call_handler(exchange_);
    if (has_ended_ && exchange_) exchange_->client_changed(HttpClient::kSentAll);
  }

  void send_answer() {
    while (exchange_ && unsent_bytes() < kSendAheadBytes) {
      Exchange::Output output = exchange_->take(kSendAheadBytes);
      if (output.has_head) append_head(output);
      owed_bytes_ += output.bytes.size();
      if (sends_body_ && !output.bytes.empty()) {
        if (is_chunked_) fmt::format_to(std::back_inserter(queued_), "{:x}\r\n", output.bytes.size());
        queued_.append(output.bytes);
        if (is_chunked_) queued_.append("\r\n");
      }
      if (output.finished) {
        end_exchange(output.broken);
      } else if (output.bytes.empty()) {
        break;
      }
    }
  }

  void append_status(int status, const HttpHeaders& headers) {
    queued_.append("HTTP/1.1 ");
    fmt::format_to(std::back_inserter(queued_), "{}", status);
    queued_.append(" ").append(reason_of_status(status)).append("\r\n").append(host_.date());
    for (size_t index = 0; index < headers.size(); ++index) {
      append_field(queued_, headers.at(index).name, headers.at(index).value);
    }
  }

  void append_head(const Exchange::Output& output) {
    const HttpRequest& request = exchange_->request();
    const bool is_old = request.version == HttpVersion::k10;
    const int status = output.head.status;
    sends_body_ = request.method != "HEAD" && !has_no_body(status);
    is_chunked_ = !output.is_whole && !is_old && !has_no_body(status);
    const bool ends_with_connection = !output.is_whole && is_old && sends_body_;
    if (ends_with_connection || host_.is_stopping()) keep_alive_ = false;
    append_status(status, output.head.headers);
    if (output.is_whole && !has_no_body(status)) {
      fmt::format_to(std::back_inserter(queued_), "Content-Length: {}\r\n", output.bytes.size());
    }
    if (is_chunked_) queued_.append("Transfer-Encoding: chunked\r\n");
    if (!keep_alive_) {
      queued_.append("Connection: close\r\n");
    } else if (is_old) {
      queued_.append("Connection: keep-alive\r\n");
    }
    queued_.append("\r\n");
    // A body that nobody waits for is not chunked either.
    is_chunked_ = is_chunked_ && sends_body_;
  }

  void end_exchange(bool is_broken) {
    if (is_broken) {
      breaks_ = true;
    } else if (is_chunked_) {
      queued_.append("0\r\n\r\n");
    }
    exchange_->client_changed(HttpClient::kGone);
    exchange_.reset();
    owed_bytes_ = 0;
    is_chunked_ = false;
    if (is_broken || !keep_alive_ || (has_ended_ && unread_.empty())) {
      is_done_ = true;
    } else {
      rests_ = true;
    }
  }

  /// What the client still sends is not read as requests.
  void refuse(const HttpResponse& response) {
    keep_alive_ = false;
    is_done_ = true;
    parser_.reset();
    next_.reset();
    append_status(response.status, response.headers);
    fmt::format_to(std::back_inserter(queued_), "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                   response.body.size(), response.body);
    unread_ = {};
    input_.clear();
    set_deadline(kLinger);
  }

  void on_drained() override {
    if (owed_bytes_ > 0 && exchange_) {
      exchange_->sent(owed_bytes_);
      owed_bytes_ = 0;
      pump(0);
      return;
    }
    if (!is_done_) {
      // Until here the client was busy with the answer.
      const bool rests = std::exchange(rests_, false);
      if (rests && !parser_ && !exchange_) set_deadline(host_.options().idle_timeout);
      if (std::exchange(waits_for_room_, false)) pump(0);
      return;
    }
    if (lingers_) return;
    if (breaks_ || has_ended_) return close();
    lingers_ = true;
    set_deadline(kLinger);
    transport_->end_writing(shared_from_this());
    read();
  }

  void on_deadline() override {
    if (parser_ && !is_done_) {
      refuse(plain_answer(408));
      flush();
    } else {
      close();
    }
  }

  void on_close() override {
    if (exchange_) exchange_->client_changed(HttpClient::kGone);
    exchange_.reset();
    next_.reset();
  }

  void become_http2(std::string_view bytes) {
    const auto self = shared_from_this();
    const auto connection = make_http2_connection(host_, std::move(transport_));
    is_closed_ = true;
    host_.replaced(*this, connection);
    connection->start();
    connection->on_bytes(bytes);
  }

  std::optional<Http1Parser> parser_;
  std::shared_ptr<Exchange> next_;      ///< its request is being read
  std::shared_ptr<Exchange> exchange_;  ///< is being answered
  std::string input_;
  std::string_view unread_;
  uint64_t requests_ = 0;
  size_t owed_bytes_ = 0;
  bool reads_ = false;
  bool runs_ = false;
  bool runs_again_ = false;
  bool keep_alive_ = true;
  bool is_chunked_ = false;
  bool sends_body_ = true;
  bool has_continued_ = false;
  bool is_head_checked_ = false;
  bool waits_for_room_ = false;  ///< requests, until answers are sent
  bool has_ended_ = false;       ///< the client's side
  bool is_done_ = false;         ///< nothing more is answered
  bool rests_ = false;           ///< an answer ended and nothing was asked since
  bool lingers_ = false;
  bool breaks_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_http1_connection(ConnectionHost& host, std::unique_ptr<Transport> transport) {
  return std::make_shared<Http1Connection>(host, std::move(transport));
}

}  // namespace meterstream
