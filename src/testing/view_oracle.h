// Purpose: what a windowed view must answer, computed the slow and obvious way: one reading after the other, one map, no
//          batches, no panes, no sharing, no restarts. The engine is compared with it.
//          Sessions are looked for among all that there were.
// Scope: readings of one partition, SUM/MIN/MAX/COUNT of the value by series, EMIT FINAL, every window closed at the end.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "metering/decimal.h"
#include "metering/reading.h"
#include "stream/view_accounting.h"
#include "stream/view_spec.h"

namespace meterstream {

struct OracleReading {
  Reading reading;
  IngestTime ingest_time;
};

struct OracleView {
  OracleView() = default;
  explicit OracleView(const ViewSpec& view);

  int64_t size_ms = 60'000;
  int64_t advance_ms = 0;      ///< of hopping windows; 0: tumbling
  int64_t session_gap_ms = 0;  ///< of sessions
  std::string time_zone;       ///< of windows of days there
  int64_t grace_ms = 0;
  bool deduplicate = false;
  int64_t deduplicate_horizon_ms = 3'600'000;
  int64_t max_ahead_ms = 60'000;
};

struct OracleWindow {
  int64_t count = 0;
  double min = 0;
  double max = 0;
  Decimal sum;
  int64_t end_ms = 0;  ///< of sessions: the last event time
  bool operator==(const OracleWindow&) const = default;
};

struct OracleAnswer {
  /// By window start and series text.
  std::map<std::pair<int64_t, std::string>, OracleWindow> windows;
  ViewAccounting accounting;
  /// Which readings were late, and which were rejected, in order.
  std::vector<size_t> late;
  std::vector<size_t> rejected;
};

OracleAnswer ask_oracle(const std::vector<OracleReading>& readings, const OracleView& view);

}  // namespace meterstream
