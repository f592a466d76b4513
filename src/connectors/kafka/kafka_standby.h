// Purpose: keeps local copies of changelogs up to date whose tasks run in other processes, so that a worker of this process
//          that takes such a task over reads only the tail.
// Rules: a thread of its own, and a consumer without a group: the copies do not depend on what the group assigns. A
//        partition that a worker of this process has is left to it (ChangelogOwnership) and followed again afterwards, from
//        what the worker left.
// Guarantee: what is written is at every moment a mirror that KafkaChangelog::restore() brings up to the end; it begins from
//            the beginning where restore() would.
// Non-guarantee: that a copy is complete at any moment: progress() tells how far it is behind.
// Thread-safety: all methods from any thread; start() and stop() from one.
// Memory: records fetched ahead, at most 2 MiB a partition, and for changelogs without transactions the commits under way.
// Errors: none end it. What fails is told once through KafkaStandbyOptions::on_trouble and tried again after a pause.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "connectors/kafka/changelog_ownership.h"
#include "connectors/kafka/kafka_changelog.h"
#include "connectors/kafka/kafka_settings.h"
#include "state/key_value_store.h"

namespace meterstream {

struct KafkaStandbyOptions {
  KafkaSettings settings;
  /// Pause when nothing was new.
  int64_t rest_ms = 50;
  int64_t retry_first_ms = 100;
  int64_t retry_longest_ms = 5'000;
  /// So often it makes sure that a topic is still the same.
  int64_t begin_anew_ms = 60'000;
  std::function<void(const std::string& message)> on_trouble;
};

class KafkaStandby {
 public:
  /// `local` holds the mirrors, and must outlive the standby.
  KafkaStandby(KafkaStandbyOptions options, std::shared_ptr<ChangelogOwnership> ownership, KeyValueStore& local);
  /// Stops.
  ~KafkaStandby();
  KafkaStandby(const KafkaStandby&) = delete;
  KafkaStandby& operator=(const KafkaStandby&) = delete;

  /// Before start(). `prefixes`: as KafkaChangelogOptions has them.
  void add(TopicPartition partition, std::vector<std::pair<Space, std::string>> prefixes);
  /// kInvalid: settings that librdkafka does not take.
  Status start();
  void request_stop();
  /// Waits for the thread, while brokers are away for up to some seconds.
  void stop();

  struct Progress {
    /// That are followed now.
    int64_t partitions = 0;
    /// Offsets between what their copies hold and what is committed.
    int64_t behind = 0;
  };
  [[nodiscard]] Progress progress() const;

 private:
  struct Follower;

  void run();
  /// True when there was something new.
  bool look(Follower& follower);
  Result<KafkaChangelog::Followed> follow(Follower& follower, uint64_t term);
  void leave(Follower& follower);
  void put_off(Follower& follower, const Error& error);
  void publish();
  void rest();

  KafkaStandbyOptions options_;
  std::shared_ptr<ChangelogOwnership> ownership_;
  KeyValueStore& local_;
  std::unique_ptr<KafkaTopics> topics_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::vector<std::unique_ptr<Follower>> followers_;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  std::atomic<bool> stop_{false};
  Progress progress_;
  std::thread thread_;
};

}  // namespace meterstream
