// Purpose: port of what runs the queries of a statement engine: in this process on a data directory, or as a member on Kafka.
// Thread-safety: change() and stop() from one thread at a time; health() from any.
// Errors: those of the log; what could not be started is told by health(), too.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "sql/stream_plan.h"
#include "stream/view_accounting.h"

namespace meterstream {

/// Of a view or a sink.
struct QueryHealth {
  /// Why it does not run; empty while it does.
  std::string error;
  ViewAccounting accounting;
  int64_t lag = 0;
};

class QueryRuntime {
 public:
  virtual ~QueryRuntime() = default;
  /// Makes exactly the views and sinks of `wanted` run. Those that run already go on behind their last commit, if they are stopped
  /// at all. Returns when what is new is deployed.
  virtual Status change(const Program& wanted) = 0;
  /// The view will never run again: it holds no records back any more.
  virtual Status retire(const ViewSpec& view) = 0;
  /// By name of view or sink.
  virtual std::map<std::string, QueryHealth> health() = 0;
  /// Records that running views have not committed yet; 0 where it is not known (Kafka: other members may do the work).
  virtual Result<int64_t> records_behind() = 0;
  /// Commits and ends everything.
  virtual void stop() = 0;
};

}  // namespace meterstream
