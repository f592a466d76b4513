#include "apps/query_command.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/data_directory.h"
#include "apps/json_text.h"
#include "apps/number_text.h"
#include "apps/option_check.h"
#include "apps/store_sinks.h"
#include "apps/terminal_table.h"
#include "base/nearest_name.h"
#include "metering/duration.h"
#include "metering/timestamp.h"
#include "state/embedded_aggregate_store.h"

namespace meterstream {
namespace {

constexpr size_t kRowsForPeople = 100;
constexpr size_t kRowsOfChart = 20'000;
constexpr size_t kPageRows = 10'000;
constexpr size_t kSeriesForPeople = 1'000;
constexpr size_t kPageSeries = 1'000;

std::string upper_case(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char letter) { return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter; });
  return upper;
}

bool matches(std::string_view wanted, std::string_view name) {
  return wanted.empty() || wanted == name || upper_case(wanted) == upper_case(name);
}

std::string describe(const std::vector<AggregateTableDefinition>& tables) {
  std::vector<std::string> names;
  names.reserve(tables.size());
  for (const auto& table : tables)
    names.push_back(table.window_ms == 0
                        ? fmt::format("{} (no row yet)", table.name)
                        : fmt::format("{} (windows of {})", table.name, format_duration(table.window_ms)));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Result<AggregateTableDefinition> choose_table(const std::vector<AggregateTableDefinition>& tables,
                                              const QueryOptions& options) {
  if (tables.empty() && options.store == "cassandra") {
    return not_found(
        "Cassandra's keyspace ([cassandra] keyspace) has no tables of results yet, or it is another one. A sink fills "
        "them: 'meterstream sink cassandra --window 3600'");
  }
  if (tables.empty()) {
    return not_found(
        "nothing is stored yet. 'meterstream store --window 3600 --until-idle' fills the table that query reads");
  }
  if (!options.table.empty()) {
    std::vector<std::string> names;
    for (const auto& table : tables) {
      if (table.name == options.table) return table;
      names.push_back(table.name);
    }
    return not_found(fmt::format("no table {}.{} There are {}", options.table, did_you_mean(options.table, names),
                                 describe(tables)));
  }
  if (!options.window.empty()) {
    ASSIGN_OR_RETURN(const int64_t window_ms, parse_duration(options.window));
    for (const auto& table : tables) {
      if (table.window_ms == window_ms) return table;
    }
    return not_found(fmt::format("no table has windows of {}. There are {}", options.window, describe(tables)));
  }
  return *std::min_element(tables.begin(), tables.end(),
                           [](const auto& a, const auto& b) { return a.window_ms < b.window_ms; });
}

Result<int64_t> parse_query_time(std::string_view text, std::string_view option) {
  const bool is_date = text.size() == 10;
  const auto time = parse_timestamp(is_date ? std::string(text) + "T00:00:00Z" : std::string(text));
  if (time) return time->value;
  return invalid(
      fmt::format("{} {}: give a date such as 2007-01-01 or a time such as 2007-01-01T06:00:00Z", option, text));
}

std::string QueryCommand::examples() const {
  return "meterstream query --gateway household-1 --type electricity --attribute active_power --window 1h --format "
         "chart\n"
         "meterstream query --gateway household-1 --attribute VOLTAGE --from 2007-01-01 --to 2007-01-02 --format csv\n"
         "meterstream query --gateway household-1";
}

void QueryCommand::declare(CLI::App& app) {
  QueryOptions& o = options_;
  app.add_option("--gateway", o.gateway, "Gateway; alone it lists its series");
  app.add_option("--type", o.type, "Metric type, such as ELECTRICITY");
  app.add_option("--attribute", o.attribute, "Metric attribute, such as ACTIVE_POWER");
  app.add_option("--from", o.from, "First window start")->type_name("TIME");
  app.add_option("--to", o.to, "Window starts before this")->type_name("TIME");
  app.add_option("--window", o.window, "Length of the windows (the shortest stored)")->type_name("DURATION");
  app.add_option("--table", o.table, "Table by name, instead of --window");
  app.add_option("--store", o.store, "Where the rows are: embedded (the data directory) or cassandra")
      ->check(CLI::IsMember({"embedded", "cassandra"}))
      ->capture_default_str();
  app.add_option("--format", o.format, "table, json (lines), csv or chart")
      ->check(CLI::IsMember({"table", "json", "csv", "chart"}))
      ->capture_default_str();
  app.add_option("--show", o.show, "What a chart shows: average, sum, min, max or count")
      ->check(CLI::IsMember({"average", "sum", "min", "max", "count"}))
      ->capture_default_str();
  app.add_flag("--newest-first", o.newest_first, "Latest windows first");
  app.add_option("--limit", o.limit, "At most N rows (100 in a table), or series (1000)")
      ->type_name("N")
      ->check(whole_number_from(1));
}

Result<std::vector<AggregateSeries>> QueryCommand::matching_series(AggregateTable& table, size_t limit) const {
  std::vector<AggregateSeries> found;
  bool gateway_exists = false;
  for (std::optional<AggregateSeries> last; found.size() < limit;) {
    ASSIGN_OR_RETURN(auto page, table.series(options_.gateway, kPageSeries, last ? &*last : nullptr));
    if (page.empty()) break;
    last = page.back();
    for (AggregateSeries& series : page) {
      const bool same_gateway = options_.gateway.empty() || series.gateway == options_.gateway;
      gateway_exists |= same_gateway;
      if (same_gateway && matches(options_.type, series.metric_type) &&
          matches(options_.attribute, series.metric_attribute) && found.size() < limit) {
        found.push_back(std::move(series));
      }
    }
  }
  if (!found.empty()) return found;
  std::string hint;
  if (!gateway_exists) {
    ASSIGN_OR_RETURN(const auto known, table.series({}, kPageSeries, nullptr));
    std::vector<std::string> gateways;
    for (const AggregateSeries& series : known) {
      if (gateways.empty() || gateways.back() != series.gateway) gateways.push_back(series.gateway);
    }
    hint = did_you_mean(options_.gateway, gateways);
  }
  return not_found(
      fmt::format("table {} has no series of gateway '{}' type '{}' attribute '{}'.{} "
                  "'meterstream query' without these options lists what there is",
                  table.definition().name, options_.gateway, options_.type, options_.attribute, hint));
}

Result<ExitCode> QueryCommand::list_series(std::vector<AggregateSeries> series, size_t limit,
                                           const CommandContext& context) const {
  const std::string format = format_of(context);
  if (format == "chart") {
    return invalid("a chart shows one series, and several match; name one with --gateway, --type and --attribute");
  }
  const bool is_cut = series.size() > limit;
  if (is_cut) series.resize(limit);
  if (format == "json") {
    for (const AggregateSeries& one : series) {
      fmt::print("{{\"gateway\":{},\"metricType\":{},\"metricAttribute\":{}}}\n", json_string(one.gateway),
                 json_string(one.metric_type), json_string(one.metric_attribute));
    }
  } else if (format == "csv") {
    fmt::print("{}", series_as_csv(series));
  } else {
    TerminalTable table({{"gateway"}, {"type"}, {"attribute"}});
    for (const AggregateSeries& one : series) table.add_row({one.gateway, one.metric_type, one.metric_attribute});
    fmt::print("{}", table.text(context.output));
  }
  fmt::print(stderr, "{}{} series{}; name one with --gateway, --type and --attribute to see its values\n",
             is_cut ? "only the first " : "", grouped_text(static_cast<int64_t>(series.size())),
             is_cut && !options_.limit ? " (--limit N shows more)" : "");
  return ExitCode::kDone;
}

std::string QueryCommand::format_of(const CommandContext& context) const {
  return context.json ? "json" : options_.format;
}

Result<ExitCode> QueryCommand::print_rows(AggregateTable& table, const AggregateSeries& series,
                                          const CommandContext& context) const {
  const std::string format = format_of(context);
  AggregateTable::Query query;
  if (!options_.from.empty()) {
    ASSIGN_OR_RETURN(query.from_ms, parse_query_time(options_.from, "--from"));
  }
  if (!options_.to.empty()) {
    ASSIGN_OR_RETURN(query.to_ms, parse_query_time(options_.to, "--to"));
  }
  if (query.from_ms >= query.to_ms) {
    return invalid(fmt::format("--from {} is not before --to {}; exchange them", options_.from, options_.to));
  }
  query.order = options_.newest_first ? AggregateTable::Order::kNewestFirst : AggregateTable::Order::kOldestFirst;
  size_t left = options_.limit.value_or(SIZE_MAX);
  if (!options_.limit && format == "table") left = kRowsForPeople;
  if (!options_.limit && format == "chart") left = kRowsOfChart;

  if (format == "csv") fmt::print("{}", aggregates_csv_header());
  std::vector<AggregateRow> kept;
  bool is_cut = false;
  size_t rows = 0;
  for (std::optional<AggregateTable::Query> next = query; next;) {
    next->limit = std::min(left, kPageRows);
    ASSIGN_OR_RETURN(AggregateTable::Page page, table.rows(series, *next));
    left -= page.rows.size();
    rows += page.rows.size();
    next = page.next;
    is_cut = left == 0 && next.has_value();
    if (left == 0) next.reset();
    if (format == "json") fmt::print("{}", aggregates_as_json_lines(series, page.rows));
    if (format == "csv") fmt::print("{}", aggregates_as_csv(series, page.rows));
    if (format == "table" || format == "chart") kept.insert(kept.end(), page.rows.begin(), page.rows.end());
  }
  if (options_.newest_first && format == "chart") std::reverse(kept.begin(), kept.end());
  if (format == "table") fmt::print("{}", aggregates_as_table(kept, context.output));
  if (format == "chart") {
    fmt::print("{}", aggregates_as_chart(series, kept, *parse_aggregate_field(options_.show), context.output));
  }
  if (is_cut && !options_.limit)
    fmt::print(stderr, "only the first {} rows; --limit N, --from and --to choose others\n", rows);
  if (rows == 0 && format != "chart") fmt::print(stderr, "no windows in that range\n");
  return ExitCode::kDone;
}

Result<ExitCode> QueryCommand::run(const CommandContext& context) {
  if (context.json && (options_.format == "csv" || options_.format == "chart")) {
    return invalid(fmt::format("--json and --format {} exclude each other; leave one out", options_.format));
  }
  if (options_.store == "cassandra") {
    ASSIGN_OR_RETURN(const auto store, cassandra_store(context.configuration.cassandra));
    return show(*store, context);
  }
  ASSIGN_OR_RETURN(const auto data,
                   DataDirectory::open(context.configuration.data_dir, DataDirectory::Mode::kExisting, context.clock));
  EmbeddedAggregateStore store(data->store());
  return show(store, context);
}

Result<ExitCode> QueryCommand::show(AggregateStore& store, const CommandContext& context) const {
  ASSIGN_OR_RETURN(const std::vector<AggregateTableDefinition> tables, store.tables());
  ASSIGN_OR_RETURN(const AggregateTableDefinition chosen, choose_table(tables, options_));
  ASSIGN_OR_RETURN(const auto table, store.open(chosen.name));
  const size_t limit = options_.limit.value_or(format_of(context) == "table" ? kSeriesForPeople : SIZE_MAX - 1);
  // One more tells that there are more, and two that there are several.
  ASSIGN_OR_RETURN(std::vector<AggregateSeries> series, matching_series(*table, std::max<size_t>(limit, 1) + 1));
  if (series.size() != 1) return list_series(std::move(series), limit, context);
  return print_rows(*table, series.front(), context);
}

}  // namespace meterstream
