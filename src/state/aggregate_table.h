// Purpose: the serving table of windowed aggregates in Space::kTable: `store` writes it, `query` reads it.
// Shape: partitions as in Cassandra: ((gateway, type, attribute, bucket), window start descending). A bucket is a window
//        start truncated in UTC. Layout: docs/formats/data-directory.md.
// Time base: milliseconds since 1970-01-01T00:00:00Z; windows and ranges are [from, to).
// Guarantee: writing a row again replaces it, so that a retry changes nothing.
// Thread-safety: the functions are pure; an AggregateTable only reads and may be used by several threads.
// Errors: kCorrupt (a row that is not a row), else the store's. Ownership: the store must outlive the table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "state/key_value_store.h"

namespace meterstream {

enum class AggregateBucket : uint8_t { kNone = 0, kMinutes = 1, kHours = 2, kDays = 3, kMonths = 4 };

/// "none", "minutes", "hours", "days", "months".
std::string_view name_of(AggregateBucket bucket);
std::optional<AggregateBucket> parse_aggregate_bucket(std::string_view name);
/// Start of the bucket that holds `window_start_ms`; 0 for kNone.
int64_t bucket_start_ms(AggregateBucket bucket, int64_t window_start_ms);

struct AggregateTableDefinition {
  std::string name;
  /// Length of its windows; 0 when it is not fixed.
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

/// Makes the table known; its rows are readable only after this. Pure: the caller writes `batch`.
void put_table(const AggregateTableDefinition& table, WriteBatch& batch);
/// Inserts or replaces a row. Pure: the caller writes `batch`.
void put_row(const AggregateTableDefinition& table, const AggregateSeries& series, const AggregateRow& row,
             WriteBatch& batch);

/// Ordered by name.
Result<std::vector<AggregateTableDefinition>> list_tables(const KeyValueStore& store);

class AggregateTable {
 public:
  /// kNotFound with the names that exist.
  static Result<AggregateTable> open(const KeyValueStore& store, std::string_view name);

  [[nodiscard]] const AggregateTableDefinition& definition() const { return definition_; }

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
  /// Rows whose window starts in [from, to), across buckets.
  Result<Page> rows(const AggregateSeries& series, const Query& query) const;

  /// Series in order whose gateway begins with `gateway_prefix`, behind `after` when given; at most `limit`.
  Result<std::vector<AggregateSeries>> series(std::string_view gateway_prefix = {}, size_t limit = SIZE_MAX,
                                              const AggregateSeries* after = nullptr) const;

 private:
  AggregateTable(const KeyValueStore& store, AggregateTableDefinition definition)
      : store_(&store), definition_(std::move(definition)) {}

  const KeyValueStore* store_;
  AggregateTableDefinition definition_;
};

}  // namespace meterstream
