// Purpose: a serving table of windowed aggregates, as a port: sinks write it, `query` reads it. It may be embedded or in a
//          database (AggregateStore makes and opens it).
// Shape: partitions as in Cassandra: ((gateway, type, attribute, bucket), window start descending). A bucket is a window
//        start truncated in UTC.
// Time base: milliseconds since 1970-01-01T00:00:00Z; windows and ranges are [from, to).
// Guarantee: a row is an upsert, so that a retry changes nothing. Of two values of one row the one with the higher revision
//            stays, in whatever order they are written; of equal revisions the last one.
// Thread-safety: of one object, one thread at a time; several objects of one table may be used at a time.
// Blocking: write() waits while too much is on its way; flush() and the readers wait for the store.
// Errors: kUnavailable (retry: the writes since the last flush() may be there or not), kCorrupt (a row that is not a row),
//         kInvalid (refused by the store; the message says why). After an error write again what was written since the
//         last flush() that succeeded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace meterstream {

enum class AggregateBucket : uint8_t { kNone = 0, kMinutes = 1, kHours = 2, kDays = 3, kMonths = 4 };

/// "none", "minutes", "hours", "days", "months".
std::string_view name_of(AggregateBucket bucket);
std::optional<AggregateBucket> parse_aggregate_bucket(std::string_view name);
/// The bucket that tables of windows of this length have when nobody says otherwise.
AggregateBucket usual_bucket(int64_t window_ms);
/// Start of the bucket that holds `window_start_ms`; 0 for kNone.
int64_t bucket_start_ms(AggregateBucket bucket, int64_t window_start_ms);
/// Start of the bucket after the one that starts at `start_ms`; INT64_MAX for kNone.
int64_t next_bucket_start_ms(AggregateBucket bucket, int64_t start_ms);

struct AggregateTableDefinition {
  std::string name;
  /// Length of its windows; 0 when it is not known.
  int64_t window_ms = 0;
  AggregateBucket bucket = AggregateBucket::kDays;
  bool operator==(const AggregateTableDefinition&) const = default;
};

struct AggregateSeries {
  std::string gateway;
  std::string metric_type;
  std::string metric_attribute;
  auto operator<=>(const AggregateSeries&) const = default;
};

struct AggregateRow {
  int64_t window_start_ms = 0;
  int64_t window_end_ms = 0;
  int64_t sample_count = 0;
  double min = 0;
  double max = 0;
  __int128 sum_units = 0;      ///< units of 1e-9
  __int128 average_units = 0;  ///< units of 1e-9
  bool operator==(const AggregateRow&) const = default;
};

/// A row to write. `revision` grows with each later value of the window; the readings in it serve.
struct AggregateEntry {
  AggregateSeries series;
  AggregateRow row;
  int64_t revision = 0;
};

class AggregateTable {
 public:
  enum class Order : uint8_t { kNewestFirst, kOldestFirst };
  struct Query {
    int64_t from_ms = INT64_MIN;
    int64_t to_ms = INT64_MAX;
    Order order = Order::kOldestFirst;
    size_t limit = SIZE_MAX;
  };
  struct Page {
    std::vector<AggregateRow> rows;
    /// Set when the limit left rows out: the query that gives the next page.
    std::optional<Query> next;
  };

  virtual ~AggregateTable() = default;
  [[nodiscard]] virtual const AggregateTableDefinition& definition() const = 0;

  /// A window length that was not known is learnt from the rows.
  virtual Status write(std::span<const AggregateEntry> entries) = 0;
  /// Until everything written is durable and readers see it.
  virtual Status flush() = 0;

  /// Rows whose window starts in [from, to), across buckets.
  virtual Result<Page> rows(const AggregateSeries& series, const Query& query) = 0;
  /// Series whose gateway begins with `gateway_prefix`, behind `after` when given, in the order of their names; at most
  /// `limit`.
  virtual Result<std::vector<AggregateSeries>> series(std::string_view gateway_prefix, size_t limit,
                                                      const AggregateSeries* after) = 0;
};

}  // namespace meterstream
