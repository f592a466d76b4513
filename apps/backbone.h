// Purpose: what a command's log lives on: the data directory of this process, or a Kafka cluster (--kafka).
// Thread-safety: the parts are thread-safe as their ports say; opening and closing belong to one thread.
// Errors: as DataDirectory::open says, or of Kafka: kUnavailable when no broker answers, within the request time-out.
// Guarantee: opening for reading changes nothing, neither on disk nor on the cluster.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/command_line.h"
#include "log/event_log.h"
#include "metering/schema_store.h"
#include "state/key_value_store.h"

namespace meterstream {

class Backbone {
 public:
  enum class Access : unsigned char {
    kRead,   ///< what is not there yet is kNotFound
    kWrite,  ///< a missing data directory is made
  };

  /// `context` must outlive it. `writer` names who commits: state() finds what an earlier one of this name committed, and on
  /// Kafka a second one fences the first. Empty: positions and state cannot be committed.
  static Result<std::unique_ptr<Backbone>> open(const CommandContext& context, Access access,
                                                std::string_view writer = {});
  /// Whether the configuration and the flags name a cluster.
  static bool is_kafka(const Configuration& configuration) { return !configuration.kafka.brokers.empty(); }

  /// Of topics that are made without saying how many.
  static int64_t default_partitions(const Configuration& configuration) {
    return is_kafka(configuration) ? configuration.kafka.partitions : configuration.replay.partitions;
  }

  virtual ~Backbone() = default;
  virtual EventLog& log() = 0;
  virtual SchemaStore& schemas() = 0;
  /// Where Transaction::state of this writer's commits is found again.
  virtual KeyValueStore& state() = 0;

  struct CreatedTopic {
    TopicDescription description;
    bool is_compacted = false;
  };
  /// As EventLog::create_topic; kInvalid where topics cannot be compacted.
  virtual Result<CreatedTopic> create_topic(const TopicConfig& config, bool is_compacted) = 0;
  /// With its records.
  virtual Status delete_topic(const std::string& topic) = 0;
  /// Whether only the latest record of each key is sure to stay.
  virtual Result<bool> is_compacted(std::string_view topic) = 0;
  /// First offset whose record arrived at or after `time`; the end when there is none.
  virtual Result<Offset> offset_at(const TopicPartition& source, IngestTime time) = 0;
  /// What would make this topic lose readings that a replay writes: warnings, each with what to do. kConflict when they
  /// would be lost soon or for sure.
  virtual Result<std::vector<std::string>> losses_of(std::string_view topic) = 0;
  /// Whether TopicDescription::bytes means something.
  [[nodiscard]] virtual bool knows_bytes() const = 0;
  /// "data directory meterstream-data" or "Kafka at localhost:9092", for messages.
  [[nodiscard]] virtual std::string place() const = 0;
};

/// Not for commands: the part of Backbone::open that needs the Kafka connector. kInvalid in a build without it.
Result<std::unique_ptr<Backbone>> open_kafka_backbone(const CommandContext& context, std::string_view writer);

}  // namespace meterstream
