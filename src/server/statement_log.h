// Purpose: the statements that changed the catalog, in a topic of the log itself: with the data in a data directory, and read by every
//          process on Kafka (docs/formats/statements-topic.md).
// Guarantee: what append() returned for is durable and has its place among the statements of all processes.
// Thread-safety: none. Errors: those of the log. A record that is none of a statement is an entry that says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/event_log.h"

namespace meterstream {

class StatementLog {
 public:
  struct Entry {
    int64_t sequence = 0;
    std::string statement;
    /// As append() gave it.
    std::string id;
    /// No statement but the mark that the topic of the DROP with this sequence is deleted.
    std::optional<int64_t> deleted;
    /// Not empty: why the record is nothing that this program knows.
    std::string error;
  };

  /// Creates the topic, of one partition, when it is missing. `log` must outlive it.
  static Result<StatementLog> open(EventLog& log, std::string topic);

  /// Appended by anybody since the last call.
  Result<std::vector<Entry>> read_on();
  /// Gives the id that the entry will have, of no other one.
  Result<std::string> append(std::string_view statement);
  /// That the topic of the DROP with this sequence is deleted.
  Status append_deleted(int64_t sequence);
  /// True when there is something for read_on().
  Result<bool> await(int64_t timeout_ms);
  [[nodiscard]] const std::string& topic() const { return topic_; }

 private:
  StatementLog(EventLog& log, std::string topic) : log_(&log), topic_(std::move(topic)) {}
  Status write(std::string_view value);

  EventLog* log_;
  std::string topic_;
  Offset next_;
};

}  // namespace meterstream
