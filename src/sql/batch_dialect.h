// Purpose: what one batch system says in other words than another: names, values, casts, time, functions, aggregates. The walk over
//          the plan is the same for all (batch_text.h).
// Texts: arguments and results are expressions of that SQL, closed enough to be an operand or an argument anywhere.
// Semantics: each text gives what the stream engine gives: overflow, division by zero and what has no counterpart give NULL.
// Units: milliseconds since 1970 in UTC where a name says millis; else the system's TIMESTAMP.
// Thread-safety: dialects are immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/expression.h"

namespace meterstream {

using SqlParts = std::vector<std::string>;

/// Of FORMAT_TIMESTAMP: letters such as yyyy, or a plain text.
struct PatternPart {
  std::string text;
  bool is_letters = false;
};

/// The years 1 to 9999, which all systems have; other times are NULL there.
constexpr int64_t kFirstTimeMs = -62'135'596'800'000;
constexpr int64_t kLastTimeMs = 253'402'300'799'999;

/// A join with the row of a table that was valid at the time of the other row.
struct TimedLookup {
  std::string input;     ///< a relation
  std::string relation;  ///< SELECT of the table's columns
  std::string key;       ///< columns of it
  std::string since;
  std::string wanted_key;  ///< of the input
  std::string time;
  bool keeps_unmatched = false;
};

/// Of the rows of a group, in milliseconds.
struct BatchWindow {
  std::string time;
  std::string end;
};

class BatchDialect {
 public:
  virtual ~BatchDialect() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;

  // Names and values.
  [[nodiscard]] virtual std::string quoted_name(std::string_view name) const = 0;
  [[nodiscard]] virtual std::string string(std::string_view text) const = 0;
  [[nodiscard]] virtual std::string null(ColumnType type) const = 0;
  /// Of a whole query: what its names may be.
  [[nodiscard]] virtual Status check_names(std::string_view query) const = 0;
  [[nodiscard]] virtual std::string number(double number) const = 0;
  /// `type` is BIGINT or DOUBLE.
  [[nodiscard]] virtual std::string integer(int64_t number, ColumnType type) const = 0;

  // Operators and casts.
  /// + - * / % and the sign.
  [[nodiscard]] virtual std::string arithmetic(const Expression& expression, const SqlParts& parts) const = 0;
  [[nodiscard]] virtual Result<std::string> like(const Expression& expression, const SqlParts& parts) const = 0;
  /// NULL where it is infinite or no number, which columns here cannot be.
  [[nodiscard]] virtual std::string finite(std::string_view number) const = 0;
  /// For casts that cannot fail.
  [[nodiscard]] virtual std::string cast(std::string_view value, ColumnType type) const = 0;
  [[nodiscard]] virtual std::string text_to(ColumnType type, const std::string& text) const = 0;
  [[nodiscard]] virtual std::string bigint_of(const std::string& number, bool has_fraction) const = 0;

  // Time.
  [[nodiscard]] virtual std::string time_of(std::string_view millis) const = 0;
  [[nodiscard]] virtual std::string millis_of(std::string_view time) const = 0;
  [[nodiscard]] virtual std::string text_of_time(const std::string& time) const = 0;
  /// What clocks in a zone, or so many seconds ahead, show.
  [[nodiscard]] virtual std::string local_time(const std::string& time, std::string_view zone) const = 0;
  [[nodiscard]] virtual std::string shifted_time(const std::string& time, int64_t seconds) const = 0;
  [[nodiscard]] virtual std::string local_millis(const std::string& time, std::string_view zone) const = 0;
  [[nodiscard]] virtual std::string utc_millis(const std::string& local_millis, std::string_view zone) const = 0;
  /// `part`: YEAR, MONTH, DAY, DAY_OF_WEEK, DAY_OF_YEAR, HOUR, MINUTE or SECOND.
  [[nodiscard]] virtual std::string part_of_time(std::string_view part, const std::string& local) const = 0;
  [[nodiscard]] virtual std::string format_time(const std::string& local,
                                                const std::vector<PatternPart>& pattern) const = 0;
  [[nodiscard]] virtual std::string parse_time(const std::string& text,
                                               const std::vector<PatternPart>& pattern) const = 0;

  // Functions.
  /// With {0} to {2} for the arguments, {spaces}, and {finite}...{/finite}; nothing when there is no counterpart. LOG_OF is LOG of two.
  [[nodiscard]] virtual std::optional<std::string_view> form_of(std::string_view function, bool is_whole) const = 0;
  /// Half goes up, also where x + 0.5 would be rounded itself.
  [[nodiscard]] virtual std::string rounded(const std::string& number) const = 0;
  [[nodiscard]] virtual std::string rounded_to(const std::string& number, int64_t digits) const = 0;
  /// A BIGINT as SUBSTRING takes it.
  [[nodiscard]] virtual std::string position(const std::string& place) const = 0;

  // Functions of JSON.
  [[nodiscard]] virtual Result<std::string> json_call(const Expression& call, const SqlParts& parts) const = 0;

  // Relations.
  /// In a SELECT: a row for each number.
  [[nodiscard]] virtual std::string each_of(const std::string& first, const std::string& last, int64_t step) const = 0;
  [[nodiscard]] virtual std::string timed_join(const TimedLookup& lookup) const = 0;

  // Aggregates. `exact` is a number that is summed without an order, `type` that of the argument.
  [[nodiscard]] virtual std::string exact(const std::string& argument, ColumnType type) const = 0;
  [[nodiscard]] virtual std::string sum(const std::string& exact, ColumnType type) const = 0;
  [[nodiscard]] virtual std::string average(const std::string& argument, ColumnType type) const = 0;
  [[nodiscard]] virtual std::string percentile(const std::string& argument, double share) const = 0;
  [[nodiscard]] virtual std::string top(const std::string& argument, double count, bool is_distinct) const = 0;
  [[nodiscard]] virtual std::string histogram(const std::string& argument) const = 0;
  [[nodiscard]] virtual std::string increase(const std::string& exact, ColumnType type,
                                             const std::optional<double>& modulus, const BatchWindow& window) const = 0;
  [[nodiscard]] virtual std::string rate(const std::string& exact, ColumnType type,
                                         const std::optional<double>& modulus, const BatchWindow& window) const = 0;
  [[nodiscard]] virtual std::string time_weighted(const std::string& argument, const BatchWindow& window) const = 0;
};

/// DuckDB 1.5.
const BatchDialect& duckdb_dialect();
/// Spark 4 in its ANSI mode, with UTC as the time zone of the session.
const BatchDialect& spark_dialect();

}  // namespace meterstream
