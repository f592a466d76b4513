// Purpose: settings of a Kafka topic under which it loses records that somebody counts on.
// Thread-safety: pure functions.
// Source: topic configuration of Apache Kafka (cleanup.policy, retention.ms, retention.bytes, min.insync.replicas, ...).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace meterstream {

struct KafkaHazard {
  /// Records are lost soon or for sure, not only after long or by a rare accident.
  bool is_severe = false;
  std::string detail;
  std::string advice;
};

enum class KafkaTopicUse : unsigned char {
  kRecords,  ///< each record counts: readings, results
  kLatest,   ///< the latest record of each key counts: changelogs, catalogs
};

/// What the name of a topic that this program makes says about its use.
KafkaTopicUse use_of_topic(std::string_view topic);

/// `settings` as they are in force, with Kafka's names.
std::vector<KafkaHazard> hazards_of(std::string_view topic, KafkaTopicUse use,
                                    const std::map<std::string, std::string>& settings);

}  // namespace meterstream
