// Purpose: what the tests against real brokers share. The brokers' addresses are in METERSTREAM_TEST_KAFKA.
#pragma once

#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "connectors/kafka/kafka_log.h"

namespace meterstream {

inline KafkaSettings test_settings() {
  const char* brokers = std::getenv("METERSTREAM_TEST_KAFKA");
  KafkaSettings settings;
  settings.brokers = brokers == nullptr ? "" : brokers;
  settings.request_timeout_ms = 20'000;
  settings.linger_ms = 1;
  return settings;
}

/// The name with a suffix of this process: brokers may live longer than one test run.
inline std::string unique(const std::string& name) {
  static const std::string suffix = fmt::format("-{:08x}", std::random_device()());
  return name + suffix;
}

/// Deletes the topic, if there is one, and waits until it is gone.
inline void remove_topic(KafkaTopics& topics, const std::string& name) {
  if (!topics.describe(name)) return;
  (void)topics.remove(name);
  for (int attempt = 0; attempt < 500; ++attempt) {
    if (const auto found = topics.topic_id(name); !found && found.error().code == ErrorCode::kNotFound) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  topics.forget(name);
}

inline RecordBatchBuilder records_of(const std::vector<std::string>& values) {
  RecordBatchBuilder builder;
  for (const std::string& value : values) builder.add("key", value, {}, IngestTime(0));
  return builder;
}

inline Transaction append_of(const TopicPartition& target, const std::vector<std::string>& values) {
  Transaction transaction;
  transaction.appends.push_back({target, records_of(values)});
  return transaction;
}

/// All committed values of a partition from its beginning.
inline std::vector<std::string> values_in(EventLog& log, const TopicPartition& source) {
  std::vector<std::string> values;
  const auto range = log.offsets(source);
  EXPECT_TRUE(range) << range.error().message;
  if (!range) return values;
  RecordSet set;
  for (Offset next = range->begin; next < range->end; next = set.next) {
    const Status status = log.read(source, next, 1 << 20, set);
    EXPECT_TRUE(status) << status.error().message;
    if (!status || set.next == next) break;
    for (const RecordView& record : set.records) values.emplace_back(record.value);
  }
  return values;
}

}  // namespace meterstream
