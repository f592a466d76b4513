// Purpose: `query`: stored aggregates of one series, as a table, JSON, CSV or a chart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/aggregate_output.h"
#include "apps/command_line.h"
#include "state/aggregate_store.h"

namespace meterstream {

struct QueryOptions {
  std::string store = "embedded";
  std::string gateway;
  std::string type;
  std::string attribute;
  std::string from;
  std::string to;
  std::string window;
  std::string table;
  std::string format = "table";
  std::string show = "average";
  bool newest_first = false;
  std::optional<uint64_t> limit;
};

/// The table to read: by name, else by window, else the only one or the one with the shortest windows. kNotFound with
/// what there is.
Result<AggregateTableDefinition> choose_table(const std::vector<AggregateTableDefinition>& tables,
                                              const QueryOptions& options);

/// A time or a date ("2007-01-01" is its midnight in UTC) in milliseconds.
Result<int64_t> parse_query_time(std::string_view text, std::string_view option);

class QueryCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "query"; }
  [[nodiscard]] std::string summary() const override { return "Read stored aggregates of a meter"; }
  [[nodiscard]] std::string examples() const override;
  void declare(CLI::App& app) override;
  Result<ExitCode> run(const CommandContext& context) override;

 private:
  Result<ExitCode> show(AggregateStore& store, const CommandContext& context) const;
  /// In order, at most `limit` (above 0). kNotFound when there is none.
  Result<std::vector<AggregateSeries>> matching_series(AggregateTable& table, size_t limit) const;
  /// Shows at most `limit` of them, and says when that are not all.
  Result<ExitCode> list_series(std::vector<AggregateSeries> series, size_t limit, const CommandContext& context) const;
  [[nodiscard]] std::string format_of(const CommandContext& context) const;
  Result<ExitCode> print_rows(AggregateTable& table, const AggregateSeries& series,
                              const CommandContext& context) const;

  QueryOptions options_;
};

}  // namespace meterstream
