// Purpose: the whole engine on a store of the test's choice: log, schemas, views, tasks driven by hand on one thread.
// Use: make one over a store, append readings, run the views, ask for what came out. After a crash of the store, make a
//      new one over what survived.
// Thread-safety: none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "stream/view_deployment.h"
#include "testing/view_oracle.h"

namespace meterstream {

class ViewPipeline {
 public:
  /// kUnavailable and others when the store fails while the log opens.
  static Result<std::unique_ptr<ViewPipeline>> open(KeyValueStore& store, const Clock& clock);

  EventLog& log() { return *log_; }
  /// Appends readings to `metrics` as one commit.
  Status append(const std::vector<OracleReading>& readings, int32_t partitions);
  /// Runs the views over everything in the log and closes their windows. `steps` limits the work; then nothing closes.
  Status run(const std::vector<ViewSpec>& views, PassTaskOptions options, int64_t max_steps = INT64_MAX,
             bool close = true);
  /// Accounting of each view, summed over tasks, of the last run.
  [[nodiscard]] const std::map<std::string, ViewAccounting>& accounting() const { return accounting_; }

  /// Keys and values of a topic, partition by partition in offset order.
  struct Record {
    std::string key;
    std::string value;
    std::string headers;
    bool operator==(const Record&) const = default;
  };
  Result<std::vector<Record>> read_topic(const std::string& topic);
  /// The topic's aggregates as the oracle gives them; kConflict when a window is there twice.
  Result<std::map<std::pair<int64_t, std::string>, OracleWindow>> read_windows(const std::string& topic);

 private:
  ViewPipeline(KeyValueStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  KeyValueStore& store_;
  const Clock& clock_;
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<LogSchemaStore> schemas_;
  std::map<std::string, ViewAccounting> accounting_;
};

/// A view of the platform's standard shape: count, min, max, sum, average of `value` by series.
ViewSpec standard_view(std::shared_ptr<const StreamSpec> stream, int64_t size_ms, int64_t grace_ms);
std::shared_ptr<StreamSpec> standard_stream();

}  // namespace meterstream
