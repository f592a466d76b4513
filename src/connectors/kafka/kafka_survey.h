// Purpose: what a diagnosis wants to know of a cluster and nothing else asks: which brokers can be reached from here and what
//          they understand, how healthy topics are, where consumer groups stand.
// Thread-safety: one thread. Every method waits for the cluster, at most the request time-out.
// Errors: kUnavailable (cluster away), kInvalid (settings, permission).
// Non-guarantee: what brokers understand is told by librdkafka's own diagnostics; without them the maps stay empty.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/kafka_settings.h"
#include "log/event_log.h"

namespace meterstream {

struct KafkaBrokerAnswer {
  int32_t id = 0;
  /// As the broker advertises it: what clients must be able to reach.
  std::string address;
  bool has_answered = false;
  /// Highest version of each request of Kafka's protocol, such as {"Fetch", 17}.
  std::map<std::string, int, std::less<>> requests;
};

struct KafkaTopicHealth {
  std::string name;
  int32_t partitions = 0;
  /// Of the partition that has fewest.
  int32_t copies = 0;
  int32_t without_leader = 0;
  /// Partitions of which some copy is not in sync.
  int32_t behind = 0;
};

struct KafkaGroupState {
  struct Position {
    TopicPartition source;
    Offset next;
  };
  std::string name;
  std::string state;
  int32_t members = 0;
  std::vector<Position> positions;
};

class KafkaSurvey {
 public:
  static Result<std::unique_ptr<KafkaSurvey>> open(const KafkaSettings& settings);
  ~KafkaSurvey();

  /// Connects to every broker that the cluster names. Ordered by id.
  Result<std::vector<KafkaBrokerAnswer>> brokers();
  /// Kafka's internal topics included. Ordered by name.
  Result<std::vector<KafkaTopicHealth>> topics();
  /// Ordered by name.
  Result<std::vector<KafkaGroupState>> groups();

 private:
  struct State;
  explicit KafkaSurvey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Takes broker ("host:port/id"), request and highest version out of a line in which librdkafka tells what a broker
/// understands; false for any other line.
bool parse_api_version_line(std::string_view line, std::string& broker, std::string& request, int& highest);

}  // namespace meterstream
