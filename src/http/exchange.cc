#include "http/exchange.h"

#include "base/check.h"

namespace meterstream {

namespace {

thread_local int sending_depth = 0;

}  // namespace

SendingThread::SendingThread() {
  ++sending_depth;
}

SendingThread::~SendingThread() {
  --sending_depth;
}

bool Exchange::append_body(std::string_view bytes) {
  if (!budget_->take(bytes.size())) return false;
  request_.body.append(bytes);
  return true;
}

void Exchange::drop_body() {
  budget_->give_back(request_.body.size());
  std::string().swap(request_.body);
}

void Exchange::send(HttpResponse response) {
  std::function<void()> unused;
  const std::lock_guard lock(mutex_);
  CHECK_MESSAGE(state_ == Head::kNone, "a request is answered once");
  head_ = std::move(response);
  state_ = Head::kReady;
  is_whole_ = true;
  finished_ = true;
  unused.swap(on_client_change_);
  notify_owner();
}

void Exchange::start(HttpResponse head) {
  const std::lock_guard lock(mutex_);
  CHECK_MESSAGE(state_ == Head::kNone, "a request is answered once");
  head_ = std::move(head);
  state_ = Head::kReady;
  notify_owner();
}

HttpWrite Exchange::write(std::string_view chunk, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  CHECK_MESSAGE(state_ != Head::kNone && !finished_, "write() is between start() and finish()");
  const auto has_room = [this] { return client() == HttpClient::kGone || pending_.size() + taken_ < buffer_limit_; };
  if (!has_room() && (sending_depth > 0 || !room_.wait_for(lock, timeout, has_room))) return HttpWrite::kSlow;
  if (client() == HttpClient::kGone) return HttpWrite::kGone;
  pending_.append(chunk);
  notify_owner();
  return HttpWrite::kTaken;
}

void Exchange::finish() {
  std::function<void()> unused;
  const std::lock_guard lock(mutex_);
  CHECK_MESSAGE(state_ != Head::kNone && !finished_, "finish() is once, after start()");
  finished_ = true;
  unused.swap(on_client_change_);
  notify_owner();
}

void Exchange::abandon() {
  std::function<void()> unused;
  const std::lock_guard lock(mutex_);
  unused.swap(on_client_change_);
  if (finished_) return;
  finished_ = true;
  if (state_ == Head::kNone) {
    head_ = {.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "The request was dropped.\n"};
    state_ = Head::kReady;
    is_whole_ = true;
  } else {
    broken_ = true;
  }
  notify_owner();
}

void Exchange::on_client_change(const std::function<void()>& call) {
  {
    const std::lock_guard lock(mutex_);
    on_client_change_ = call;
  }
  if (client() != HttpClient::kThere) call();
}

void Exchange::notify_owner() {
  // Under the lock: when client_changed(kGone) has returned nobody speaks to the connection any more.
  if (notified_ || !owner_) return;
  notified_ = true;
  owner_->exchange_changed(stream_);
}

Exchange::Output Exchange::take(size_t most) {
  Output output;
  const std::lock_guard lock(mutex_);
  notified_ = false;
  if (state_ == Head::kNone) return output;
  if (state_ == Head::kReady) {
    output.has_head = true;
    output.head = std::move(head_);
    state_ = Head::kTaken;
    if (is_whole_) pending_ = std::move(output.head.body);
  }
  output.is_whole = is_whole_;
  if (is_whole_ || pending_.size() <= most) {
    output.bytes.swap(pending_);
  } else {
    output.bytes = pending_.substr(0, most);
    pending_.erase(0, most);
  }
  taken_ += output.bytes.size();
  output.finished = finished_ && pending_.empty();
  output.broken = broken_ && output.finished;
  return output;
}

void Exchange::sent(size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    taken_ -= bytes;
  }
  room_.notify_one();
}

void Exchange::client_changed(HttpClient client) {
  std::function<void()> call;
  std::shared_ptr<ExchangeOwner> owner;
  {
    const std::lock_guard lock(mutex_);
    if (client_.load() >= client) return;
    client_.store(client, std::memory_order_release);
    call = on_client_change_;
    if (client == HttpClient::kGone) {
      owner = std::move(owner_);
      owner_.reset();
    }
  }
  room_.notify_all();
  if (call) call();
}

}  // namespace meterstream
