#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "http/connection.h"
#include "http/url.h"

namespace meterstream {

namespace {

constexpr size_t kSendAheadBytes = size_t{64} * 1024;

std::string_view view_of(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  return {.name = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

/// Names of HTTP/2 are small letters; fields that speak of the connection do not exist there.
bool is_of_connection(std::string_view name) {
  return name == "connection" || name == "transfer-encoding" || name == "keep-alive" || name == "upgrade";
}

class Http2Connection final : public Connection {
 public:
  using Connection::Connection;

  ~Http2Connection() override { nghttp2_session_del(session_); }

  void start() override {
    nghttp2_session_callbacks* callbacks = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    CHECK(nghttp2_session_server_new(&session_, callbacks, this) == 0);
    nghttp2_session_callbacks_del(callbacks);
    const HttpServerOptions& options = host_.options();
    constexpr uint32_t kWindowBytes = 256 * 1024;
    const std::vector<nghttp2_settings_entry> settings = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.stream_limit},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(options.header_limit_bytes)}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    set_deadline(options.idle_timeout);
  }

  void on_open(bool /*opened*/) override {}

  void on_bytes(std::string_view bytes) override {
    if (is_closed_) return;
    const auto self = shared_from_this();
    const auto taken = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0) return close();
    // Handlers run outside of the session's calls.
    for (const int32_t id : std::exchange(complete_, {})) {
      const auto place = streams_.find(id);
      if (place == streams_.end()) continue;
      call_handler(place->second.exchange);
      if (is_closed_) return;
      pump_stream(id);
    }
    send();
    if (!is_closed_) transport_->read(self);
  }

  void on_end(bool /*orderly*/) override { close(); }

  void pump(int32_t stream) override {
    if (is_closed_) return;
    pump_stream(stream);
    send();
  }

  void begin_stop() override {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
    send();
    if (streams_.empty()) close();
  }

 private:
  struct Stream {
    std::shared_ptr<Exchange> exchange;
    std::string out;
    size_t out_at = 0;
    size_t header_bytes = 0;
    size_t body_bytes = 0;
    SteadyTime deadline = SteadyTime::max();
    bool has_request_head = false;
    bool has_head = false;  ///< of the answer
    bool finished = false;
    bool is_broken = false;
    bool is_deferred = false;
    bool is_complete = false;  ///< the request
    bool is_refused = false;

    void refill() {
      Exchange::Output output = exchange->take(kSendAheadBytes);
      out = std::move(output.bytes);
      out_at = 0;
      finished = output.finished;
      is_broken = output.broken;
    }
    [[nodiscard]] bool is_answered() const { return has_head && finished && out_at == out.size(); }
  };

  static Http2Connection& self_of(void* user) { return *static_cast<Http2Connection*>(user); }

  static int on_begin_headers(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    Http2Connection& self = self_of(user);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    const int32_t id = frame->hd.stream_id;
    Stream& stream = self.streams_[id];
    stream.exchange = std::make_shared<Exchange>(std::static_pointer_cast<ExchangeOwner>(self.shared_from_this()), id,
                                                 self.host_.options().stream_buffer_bytes, self.host_.body_budget());
    stream.exchange->request().version = HttpVersion::k2;
    stream.exchange->request().is_tls = self.transport_->is_tls();
    self.give_time(stream, self.host_.options().request_timeout);
    return 0;
  }

  static int on_header(nghttp2_session* /*session*/, const nghttp2_frame* frame, const uint8_t* name_bytes,
                       size_t name_size, const uint8_t* value_bytes, size_t value_size, uint8_t /*flags*/, void* user) {
    Http2Connection& self = self_of(user);
    const auto place = self.streams_.find(frame->hd.stream_id);
    if (place == self.streams_.end() || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Stream& stream = place->second;
    // As RFC 9113 6.5.2 counts it.
    stream.header_bytes += name_size + value_size + 32;
    if (stream.header_bytes > self.host_.options().header_limit_bytes) return 0;
    HttpRequest& request = stream.exchange->request();
    const std::string_view name = view_of(name_bytes, name_size);
    const std::string_view value = view_of(value_bytes, value_size);
    if (name == ":method") {
      request.method = value;
    } else if (name == ":path") {
      request.target = value;
    } else if (name == ":authority") {
      request.headers.add("host", value);
    } else if (!name.starts_with(':')) {
      request.headers.add(name, value);
    }
    return 0;
  }

  static int on_data(nghttp2_session* /*session*/, uint8_t /*flags*/, int32_t id, const uint8_t* bytes, size_t size,
                     void* user) {
    Http2Connection& self = self_of(user);
    const auto place = self.streams_.find(id);
    if (place == self.streams_.end() || place->second.is_refused) return 0;
    Exchange& exchange = *place->second.exchange;
    // What streams of one connection hold together is bounded, too.
    const size_t limit = self.host_.options().body_limit_bytes;
    if (exchange.request().body.size() + size > limit || self.body_bytes_ + size > 2 * limit) {
      refuse(place->second, plain_answer(413));
    } else if (!exchange.append_body(view_of(bytes, size))) {
      refuse(place->second, plain_answer(503));
    } else {
      self.body_bytes_ += size;
      place->second.body_bytes += size;
    }
    return 0;
  }

  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    Http2Connection& self = self_of(user);
    const auto place = self.streams_.find(frame->hd.stream_id);
    if (place == self.streams_.end()) return 0;
    Stream& stream = place->second;
    const bool is_head = frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    if (is_head) self.judge_head(stream, (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
    const bool has_body = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (!stream.is_refused && has_body && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream.is_complete = true;
      stream.deadline = SteadyTime::max();
      self.complete_.push_back(frame->hd.stream_id);
    } else if (is_head && !stream.is_refused) {
      if (is_same_header(stream.exchange->request().headers.value("expect"), "100-continue")) {
        const nghttp2_nv status = field_of(":status", "100");
        nghttp2_submit_headers(self.session_, NGHTTP2_FLAG_NONE, frame->hd.stream_id, nullptr, &status, 1, nullptr);
      }
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session* /*session*/, int32_t id, uint32_t /*error*/, void* user) {
    Http2Connection& self = self_of(user);
    const auto place = self.streams_.find(id);
    if (place == self.streams_.end()) return 0;
    const auto exchange = std::move(place->second.exchange);
    self.body_bytes_ -= place->second.body_bytes;
    self.streams_.erase(place);
    exchange->client_changed(HttpClient::kGone);
    if (self.streams_.empty()) self.set_deadline(self.host_.options().idle_timeout);
    return 0;
  }

  static ssize_t read_body(nghttp2_session* /*session*/, int32_t id, uint8_t* buffer, size_t size, uint32_t* flags,
                           nghttp2_data_source* /*source*/, void* user) {
    Http2Connection& self = self_of(user);
    const auto place = self.streams_.find(id);
    if (place == self.streams_.end()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    Stream& stream = place->second;
    if (stream.out_at == stream.out.size() && !stream.finished) stream.refill();
    const size_t taken = std::min(size, stream.out.size() - stream.out_at);
    std::copy_n(stream.out.data() + stream.out_at, taken, buffer);
    stream.out_at += taken;
    if (taken > 0) {
      stream.exchange->sent(taken);
      self.last_progress_ = std::chrono::steady_clock::now();
      stream.deadline = self.last_progress_ + self.host_.options().slow_client_timeout;
    }
    if (stream.out_at == stream.out.size()) {
      if (stream.is_broken) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      if (stream.finished) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      } else if (taken == 0) {
        stream.is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
      }
    }
    return static_cast<ssize_t>(taken);
  }

  void judge_head(Stream& stream, bool is_whole) const {
    stream.has_request_head = true;
    HttpRequest& request = stream.exchange->request();
    if (stream.header_bytes > host_.options().header_limit_bytes) return refuse(stream, plain_answer(431));
    auto parts = split_target(request.target);
    if (!parts) return refuse(stream, plain_answer(400));
    request.query = parts->query;
    request.path = std::move(parts->path);
    if (is_whole) return;
    if (auto refusal = refusal_of(request)) refuse(stream, *std::move(refusal));
  }

  static void refuse(Stream& stream, HttpResponse response) {
    stream.is_refused = true;
    stream.exchange->drop_body();
    stream.exchange->send(std::move(response));
  }

  void pump_stream(int32_t id) {
    const auto place = streams_.find(id);
    if (place == streams_.end()) return;
    Stream& stream = place->second;
    if (stream.has_head) {
      if (stream.is_deferred) {
        stream.is_deferred = false;
        give_time(stream, host_.options().slow_client_timeout);
        nghttp2_session_resume_data(session_, id);
      }
      return;
    }
    Exchange::Output output = stream.exchange->take(kSendAheadBytes);
    if (!output.has_head) return;
    stream.has_head = true;
    last_progress_ = std::chrono::steady_clock::now();
    give_time(stream, host_.options().slow_client_timeout);
    stream.out = std::move(output.bytes);
    stream.finished = output.finished;
    stream.is_broken = output.broken;
    submit_head(id, stream, output);
  }

  void submit_head(int32_t id, Stream& stream, const Exchange::Output& output) {
    const std::string status = fmt::format("{}", output.head.status);
    const std::string size = fmt::format("{}", stream.out.size());
    std::vector<nghttp2_nv> fields = {field_of(":status", status)};
    // "Date: ...\r\n" of HTTP/1.
    const std::string_view date = std::string_view(host_.date()).substr(6, host_.date().size() - 8);
    fields.push_back(field_of("date", date));
    std::vector<std::string> names;
    const HttpHeaders& headers = output.head.headers;
    names.reserve(headers.size());
    for (size_t index = 0; index < headers.size(); ++index) {
      std::string& name = names.emplace_back(headers.at(index).name);
      std::ranges::transform(name, name.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      if (!is_of_connection(name)) fields.push_back(field_of(name, headers.at(index).value));
    }
    const bool is_empty = output.head.status == 204 || output.head.status == 304;
    if (output.is_whole && !is_empty) fields.push_back(field_of("content-length", size));
    const bool sends_body = stream.exchange->request().method != "HEAD" && !is_empty;
    const nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = read_body};
    nghttp2_submit_response(session_, id, fields.data(), fields.size(), sends_body ? &provider : nullptr);
    if (!sends_body) stream.exchange->client_changed(HttpClient::kGone);
  }

  void send() {
    if (sends_) return;
    sends_ = true;
    while (!is_closed_) {
      while (unsent_bytes() < kSendAheadBytes) {
        const uint8_t* bytes = nullptr;
        const auto size = nghttp2_session_mem_send(session_, &bytes);
        if (size < 0) {
          sends_ = false;
          return close();
        }
        if (size == 0) break;
        queued_.append(view_of(bytes, static_cast<size_t>(size)));
      }
      if (queued_.empty() || write_waits_) break;
      flush();
    }
    sends_ = false;
    const bool wants_more = nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0;
    if (!is_closed_ && unsent_bytes() == 0 && (!wants_more || (host_.is_stopping() && streams_.empty()))) close();
  }

  void on_drained() override { send(); }

  void on_deadline() override {
    const SteadyTime now = std::chrono::steady_clock::now();
    bool goes_on = !streams_.empty();
    SteadyTime next = SteadyTime::max();
    for (auto& [id, stream] : streams_) {
      if (now >= stream.deadline) goes_on = end_or_renew(id, stream, now) && goes_on;
      next = std::min(next, stream.deadline);
    }
    set_deadline_at(next);
    if (!goes_on) nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    send();
    if (!goes_on) close();
  }

  void give_time(Stream& stream, std::chrono::milliseconds from_now) {
    stream.deadline = std::chrono::steady_clock::now() + from_now;
    bring_deadline_to(stream.deadline);
  }

  /// Of a stream whose time is over. False: the connection must end.
  bool end_or_renew(int32_t id, Stream& stream, SteadyTime now) {
    const auto slow = host_.options().slow_client_timeout;
    stream.deadline = now + slow;
    if (!stream.has_request_head) return false;
    if (!stream.has_head) {
      if (!stream.is_refused) refuse(stream, plain_answer(408));
    } else if (stream.is_answered()) {
      // The client does not end a request that was refused.
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    } else if (stream.is_deferred) {
      // The handler has nothing to send for now.
      stream.deadline = SteadyTime::max();
    } else if (nghttp2_session_get_stream_remote_window_size(session_, id) <= 0) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    } else if (nghttp2_session_get_remote_window_size(session_) <= 0) {
      return now - last_progress_ < slow;
    }
    // Else it waits for the socket, which has a deadline of its own.
    return true;
  }

  void on_close() override {
    for (auto& [id, stream] : std::exchange(streams_, {})) stream.exchange->client_changed(HttpClient::kGone);
  }

  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
  std::vector<int32_t> complete_;
  size_t body_bytes_ = 0;
  SteadyTime last_progress_;
  bool sends_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_http2_connection(ConnectionHost& host, std::unique_ptr<Transport> transport) {
  return std::make_shared<Http2Connection>(host, std::move(transport));
}

}  // namespace meterstream
