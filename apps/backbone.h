// Purpose: what a command's log lives on: the data directory of this process, or a Kafka cluster (--kafka).
// Thread-safety: the parts are thread-safe as their ports say; opening and closing belong to one thread.
// Errors: as DataDirectory::open says, or of Kafka: kUnavailable when no broker answers, within the request time-out.
// Guarantee: opening for reading changes nothing, neither on disk nor on the cluster.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apps/command_line.h"
#include "log/event_log.h"
#include "metering/schema_store.h"
#include "state/key_value_store.h"

namespace meterstream {

class DataDirectory;

class Backbone {
 public:
  enum class Access : unsigned char {
    kRead,   ///< what is not there yet is kNotFound
    kWrite,  ///< a missing data directory is made; on Kafka, commits are transactions of `writer`
  };

  /// `context` must outlive it. `writer` names who commits, so that on Kafka a second process of the same name fences the
  /// first one, and state() finds what an earlier one committed.
  static Result<std::unique_ptr<Backbone>> open(const CommandContext& context, Access access,
                                                std::string_view writer = {});

  virtual ~Backbone() = default;
  virtual EventLog& log() = 0;
  virtual SchemaStore& schemas() = 0;
  /// Where Transaction::state of this writer's commits is found again.
  virtual KeyValueStore& state() = 0;
  /// Null on Kafka.
  virtual DataDirectory* data_directory() = 0;
  /// "data directory meterstream-data" or "Kafka at localhost:9092", for messages.
  [[nodiscard]] virtual std::string place() const = 0;
  [[nodiscard]] bool is_kafka() { return data_directory() == nullptr; }
};

}  // namespace meterstream
