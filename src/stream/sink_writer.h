// Purpose: port of what a sink does with the records of one partition: rows of a database, the latest values, objects of a
//          lake. SinkTask reads the log, calls it, and commits the position behind what is durable.
// Guarantee that an implementation gives: what settle() called durable survives a crash of any machine involved. The task
//          adds records again that were not settled when it ended, in the same order, possibly after another task of
//          another process has written some of them: the outcome must be that of writing them once.
// Thread-safety: one thread at a time. Blocking: add() may wait while too much is on its way, settle() for the store.
// Errors: bad records are values (Rejected) and go to the reject topic. Errors are the world's: after kUnavailable
//         the task opens the writer again, from the last committed position; others end the run.
#pragma once

#include <string>
#include <vector>

#include "base/record.h"
#include "base/result.h"
#include "log/event_log.h"

namespace meterstream {

class SinkWriter {
 public:
  /// A bad record, by its index in the set; the reason is for people.
  struct Rejected {
    size_t index = 0;
    std::string reason;
  };
  enum class Settle : uint8_t {
    kPeriodic,  ///< what is due; a writer that collects may leave the rest waiting
    kAll,       ///< everything: the input has ended
  };

  virtual ~SinkWriter() = default;
  /// Before the first record, and again after an error, when everything is forgotten that was not settled. `next`: offset
  /// of the first record that add() may get.
  virtual Status open(Offset next) = 0;
  /// Takes the records of one read, in order. Their bytes live until the next call. Appends the bad ones to `rejected`.
  virtual Status add(const RecordSet& records, std::vector<Rejected>& rejected) = 0;
  /// Makes records durable; all before the offset that it returns are. `next`: offset behind the last record read.
  virtual Result<Offset> settle(Offset next, Settle how) = 0;
  /// What a changed definition would break, as text; positions of another definition are refused.
  [[nodiscard]] virtual std::string definition() const = 0;
};

}  // namespace meterstream
