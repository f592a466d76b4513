// Purpose: what consumer groups committed.
// Why: the library's administration requests about a group are lost for their whole time-out when its coordinator does not
//      answer within a moment (it moves, or the cluster is new). A client of the group itself follows its coordinator, so
//      there is one for each group that is asked for; it never joins.
// Thread-safety: all methods may be called concurrently. Each waits for the cluster, at most the request timeout.
// Errors: kInvalid (permission), kUnavailable (cluster away: retry).
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/kafka/kafka_handles.h"
#include "log/event_log.h"

namespace meterstream {

class KafkaGroupOffsets {
 public:
  explicit KafkaGroupOffsets(KafkaSettings settings) : settings_(std::move(settings)) {}

  /// Nullopt for nothing. Waits while a transaction that changes it is pending.
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source);

 private:
  Result<rd_kafka_t*> client_of(std::string_view group);

  const KafkaSettings settings_;
  std::mutex mutex_;
  std::map<std::string, KafkaClient, std::less<>> clients_;  // grows only; guarded by mutex_
};

}  // namespace meterstream
