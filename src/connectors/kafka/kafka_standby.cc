#include "connectors/kafka/kafka_standby.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace meterstream {
namespace {

// The thread waits for one partition at a time, and a stop waits for it.
constexpr int64_t kLongestRequestMs = 2'000;
constexpr int64_t kFetchAheadBytes = int64_t{2} << 20;

using SteadyClock = std::chrono::steady_clock;

}  // namespace

struct KafkaStandby::Follower {
  TopicPartition partition;
  std::vector<std::pair<Space, std::string>> prefixes;
  uint64_t term = 0;
  std::unique_ptr<KafkaChangelog> changelog;
  SteadyClock::time_point begun;
  std::optional<int64_t> behind;
  int64_t pause_ms = 0;
  SteadyClock::time_point not_before;
  std::optional<ErrorCode> trouble;  // that lasts
};

KafkaStandby::KafkaStandby(KafkaStandbyOptions options, std::shared_ptr<ChangelogOwnership> ownership,
                           KeyValueStore& local)
    : options_(std::move(options)), ownership_(std::move(ownership)), local_(local) {
  KafkaSettings& settings = options_.settings;
  settings.request_timeout_ms = std::min(settings.request_timeout_ms, kLongestRequestMs);
  settings.fetch_ahead_bytes = std::min(settings.fetch_ahead_bytes, kFetchAheadBytes);
}

KafkaStandby::~KafkaStandby() {
  stop();
}

void KafkaStandby::add(TopicPartition partition, std::vector<std::pair<Space, std::string>> prefixes) {
  auto follower = std::make_unique<Follower>();
  follower->partition = std::move(partition);
  follower->prefixes = std::move(prefixes);
  followers_.push_back(std::move(follower));
}

Status KafkaStandby::start() {
  ASSIGN_OR_RETURN(topics_, KafkaTopics::open(options_.settings));
  ASSIGN_OR_RETURN(consumer_, KafkaConsumer::open(options_.settings));
  thread_ = std::thread([this] { run(); });
  return {};
}

void KafkaStandby::request_stop() {
  const std::scoped_lock lock(mutex_);
  stop_ = true;
  stopped_.notify_all();
}

void KafkaStandby::stop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

KafkaStandby::Progress KafkaStandby::progress() const {
  const std::scoped_lock lock(mutex_);
  return progress_;
}

void KafkaStandby::run() {
  while (!stop_) {
    bool is_new = false;
    for (const auto& follower : followers_) {
      if (stop_) break;
      is_new = look(*follower) || is_new;
    }
    publish();
    if (!is_new) rest();
  }
  for (const auto& follower : followers_) leave(*follower);
}

bool KafkaStandby::look(Follower& follower) {
  const auto now = SteadyClock::now();
  const auto term = ownership_->free_term(follower.partition);
  if (!term || (follower.changelog != nullptr && follower.term != *term)) leave(follower);
  if (!term || now < follower.not_before) return false;
  const auto followed = follow(follower, *term);
  if (!followed) {
    put_off(follower, followed.error());
    return false;
  }
  follower.pause_ms = 0;
  follower.trouble.reset();
  // A topic that was made anew under the same name is met where its mirror is looked at.
  const bool is_quiet = followed->entries == 0;
  if (is_quiet && now - follower.begun > std::chrono::milliseconds(options_.begin_anew_ms)) follower.changelog.reset();
  return !is_quiet;
}

Result<KafkaChangelog::Followed> KafkaStandby::follow(Follower& follower, uint64_t term) {
  if (follower.changelog == nullptr) {
    KafkaChangelogOptions kept;
    kept.partition = follower.partition;
    kept.prefixes = follower.prefixes;
    follower.changelog = std::make_unique<KafkaChangelog>(std::move(kept), *consumer_, *topics_, local_);
    follower.term = term;
    follower.begun = SteadyClock::now();
  }
  ASSIGN_OR_RETURN(const KafkaChangelog::Followed followed, follower.changelog->follow());
  ASSIGN_OR_RETURN(const bool is_kept, ownership_->write(follower.partition, follower.term,
                                                         [&follower] { return follower.changelog->keep(); }));
  // A worker took the partition meanwhile, and reads on by itself.
  if (!is_kept)
    leave(follower);
  else
    follower.behind = followed.behind;
  return followed;
}

void KafkaStandby::leave(Follower& follower) {
  if (follower.changelog == nullptr) return;
  follower.changelog.reset();
  follower.behind.reset();
  consumer_->release(follower.partition);
}

void KafkaStandby::put_off(Follower& follower, const Error& error) {
  const bool is_away = error.code == ErrorCode::kUnavailable;
  const bool is_known = std::ranges::any_of(followers_, [&](const auto& other) {
    return other->trouble == error.code && (is_away || other.get() == &follower);
  });
  follower.trouble = error.code;
  follower.pause_ms = std::clamp(follower.pause_ms * 2, options_.retry_first_ms, options_.retry_longest_ms);
  follower.not_before = SteadyClock::now() + std::chrono::milliseconds(follower.pause_ms);
  leave(follower);
  topics_->forget(follower.partition.topic);
  if (!is_known && options_.on_trouble) options_.on_trouble(error.message);
}

void KafkaStandby::publish() {
  Progress progress;
  for (const auto& follower : followers_) {
    if (!follower->behind) continue;
    ++progress.partitions;
    progress.behind += *follower->behind;
  }
  const std::scoped_lock lock(mutex_);
  progress_ = progress;
}

void KafkaStandby::rest() {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, std::chrono::milliseconds(options_.rest_ms), [this] { return stop_.load(); });
}

}  // namespace meterstream
