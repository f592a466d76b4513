// Purpose: judges what the engine left in log and serving table against what was put in: nothing lost, nothing twice,
//          every reading accounted for, results equal to the oracle's.
// Scope: views of the standard shape (count, min, max, sum, average by series) over one topic of Avro readings; records
//        of a series lie in one partition.
// Thread-safety: none. Errors: kConflict names the broken invariant; others are those of log and store.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/event_log.h"
#include "stream/task.h"
#include "stream/view_spec.h"
#include "testing/view_oracle.h"

namespace meterstream {

/// A record as it was appended. Without a reading it is malformed and must be rejected.
struct KnownRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  IngestTime ingest_time;
  std::optional<Reading> reading;
};
/// What the source topic must hold, by partition.
using KnownLog = std::vector<std::vector<KnownRecord>>;

class InvariantChecker {
 public:
  /// `log` and `store` must outlive this. The views read one topic; sinks read topics of views.
  InvariantChecker(EventLog& log, KeyValueStore& store, std::vector<ViewSpec> views, std::vector<SinkSpec> sinks);

  /// Accounting of each view, summed over its tasks.
  using Accounting = std::map<std::string, ViewAccounting>;
  static Accounting accounting_of(const std::vector<TaskStatus>& tasks);
  /// read = aggregated + filtered + late + duplicate + rejected, and no counter below zero.
  static Status check_identity(const TaskStatus& task);

  /// The source topic gives back what is known, bit by bit.
  Status check_log(const KnownLog& known) const;
  /// Counters as committed equal what is in the topics, at any commit. `application` names the positions.
  Status check_committed(const Accounting& accounting, const std::string& application) const;
  /// At the end, when everything is read and closed, whatever the order of work was.
  Status check_conserved(const KnownLog& known, const Accounting& accounting) const;
  /// At the end of a bounded run: windows, late and rejected records and counters are exactly the oracle's. Passes write
  /// rejected records each for themselves; without `one_pass` those are left out.
  Status check_answers(const KnownLog& known, const Accounting& accounting, bool one_pass = true) const;
  /// At the end: rows of the serving tables are the last result of each window.
  Status check_tables() const;

 private:
  struct Line {
    std::string key;
    std::string value;
    auto operator<=>(const Line&) const = default;
  };
  using Windows = std::map<std::pair<int64_t, std::string>, OracleWindow>;

  [[nodiscard]] Result<std::vector<Line>> read_topic(const std::string& topic) const;
  [[nodiscard]] Result<Windows> last_results(const ViewSpec& view) const;
  Status check_view(const ViewSpec& view, const KnownLog& known, const ViewAccounting& actual,
                    std::vector<Line>& rejected) const;
  Status check_rejected(std::vector<Line> expected) const;
  Status check_table(const SinkSpec& sink) const;

  EventLog& log_;
  KeyValueStore& store_;
  std::vector<ViewSpec> views_;
  std::vector<SinkSpec> sinks_;
};

}  // namespace meterstream
