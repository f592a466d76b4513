// Purpose: the statements that changed the catalog, in a topic of the log itself: with the data in a data directory, and read by every
//          process on Kafka (docs/formats/statements-topic.md).
// Guarantee: what append() returned for is durable and has its place among the statements of all processes.
// Thread-safety: none. Errors: those of the log; kCorrupt for a record that is none of a statement.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "log/event_log.h"

namespace meterstream {

class StatementLog {
 public:
  struct Entry {
    int64_t sequence = 0;
    std::string statement;
  };

  /// Creates the topic, of one partition, when it is missing. `log` must outlive it.
  static Result<StatementLog> open(EventLog& log, std::string topic);

  /// Appended by anybody since the last call.
  Result<std::vector<Entry>> read_on();
  Status append(std::string_view statement);
  /// True when there is something for read_on().
  Result<bool> await(int64_t timeout_ms);
  [[nodiscard]] const std::string& topic() const { return topic_; }

 private:
  StatementLog(EventLog& log, std::string topic) : log_(&log), topic_(std::move(topic)) {}
  EventLog* log_;
  std::string topic_;
  Offset next_;
};

}  // namespace meterstream
