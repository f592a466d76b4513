#include "sql/insert_query_binder.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include "sql/computed_stream.h"
#include "sql/stream_plan.h"

namespace meterstream {
namespace {

/// A stream as rows are written into it.
struct Target {
  std::string name;
  std::string topic;
  int32_t partitions = 0;
  std::vector<ColumnSchema> columns;
  /// Those that have the record's key.
  std::vector<size_t> key_columns;
  std::optional<size_t> timestamp_column;
  /// The record's key is made of gateway, metricType and metricAttribute.
  bool has_series_keys = false;
};

bool has_series(const std::vector<ColumnSchema>& columns) {
  return std::ranges::all_of(std::vector{"gateway", "metricType", "metricAttribute"}, [&](std::string_view part) {
    return std::ranges::any_of(columns,
                               [&](const ColumnSchema& column) { return equals_ignoring_case(column.name, part); });
  });
}

/// Whether the expression is what the rows' records have as their key.
bool is_key(const Expression& expression, const PlanNode& plan, const Catalog& catalog) {
  const auto& sink = std::get<Sink>(plan.operation);
  if (sink.partition_by != nullptr) return identity_of(expression) == identity_of(*sink.partition_by);
  if (expression.kind != Expression::Kind::kColumn) return false;
  const auto is_column = [&](const Expression& key, size_t first) {
    return key.kind == Expression::Kind::kColumn && key.column + first == expression.column;
  };
  if (const StreamJoinNode* join = stream_join_of(plan)) {
    const StreamJoinSpec& spec = *join->spec;
    // Of a full join either side's may be NULL.
    return !spec.right.keeps_unmatched &&
           (is_column(*spec.left.key, 0) ||
            (!spec.left.keeps_unmatched && is_column(*spec.right.key, spec.left.stream->columns.size())));
  }
  const StreamSpec& source = source_of(plan);
  if (source.key_column == expression.column) return true;
  // Rows of a computed stream have the keys of those that they come from.
  const Catalog::Entry* computed = catalog.find({source.name, true, {}});
  if (computed == nullptr || computed->plan == nullptr || expression.column >= source.columns.size()) return false;
  const auto& project = std::get<Project>(computed->plan->input->operation);
  return is_key(*project.items[expression.column].expression, *computed->plan, catalog);
}

/// Whether the rows' records have as their key the series that their columns name.
bool has_series_keys(const PlanNode& plan, const Catalog& catalog) {
  if (std::get<Sink>(plan.operation).partition_by != nullptr || stream_join_of(plan) != nullptr) return false;
  const StreamSpec& source = source_of(plan);
  const auto& project = std::get<Project>(plan.input->operation);
  if (!has_series(plan.schema) || !keeps_series(plan.schema, project, source)) return false;
  const Catalog::Entry* computed = catalog.find({source.name, true, {}});
  if (computed != nullptr && computed->plan != nullptr) return has_series_keys(*computed->plan, catalog);
  return !source.key_column;
}

Target computed_target(const Catalog::Entry& entry, const Catalog& catalog) {
  const auto& sink = std::get<Sink>(entry.plan->operation);
  const auto& items = std::get<Project>(entry.plan->input->operation).items;
  Target target{.name = entry.name.text, .topic = sink.topic, .partitions = sink.partitions};
  target.columns = entry.plan->schema;
  // What reads it relies on the keys that its own query gives.
  for (size_t item = 0; item < items.size(); ++item) {
    if (is_key(*items[item].expression, *entry.plan, catalog)) target.key_columns.push_back(item);
  }
  target.has_series_keys = has_series_keys(*entry.plan, catalog);
  if (entry.stream != nullptr) target.timestamp_column = entry.stream->timestamp_column;
  return target;
}

Result<Target> find_target(const ast::Identifier& name, const SourceText& source, const Catalog& catalog) {
  const auto error = [&](std::string_view message) { return source.error_at(name.position.offset, message); };
  const Catalog::Entry* entry = catalog.find(name);
  if (entry == nullptr) {
    const std::string nearest = nearest_name(name.text, catalog.stream_names());
    return error(
        fmt::format("unknown stream {}; {}", name.text,
                    nearest.empty() ? "declare it first with CREATE STREAM" : "did you mean " + nearest + "?"));
  }
  if (entry->kind != "a stream") {
    return error(fmt::format("{} is {}; the rows of a query go into a stream. CREATE TABLE AS SELECT fills a table",
                             entry->name.text, entry->kind));
  }
  RETURN_IF_ERROR(check_writable(name, source, catalog));
  const ValueFormat format =
      entry->plan != nullptr ? std::get<Sink>(entry->plan->operation).format : entry->stream->format;
  if (format != ValueFormat::kJson) {
    return error(fmt::format("not supported yet: INSERT of a query into {}, a stream of {}; its rows are JSON",
                             entry->name.text, name_of(format)));
  }
  if (entry->plan != nullptr) return computed_target(*entry, catalog);
  const StreamSpec& stream = *entry->stream;
  Target target{.name = entry->name.text, .topic = stream.topic, .partitions = stream.partitions};
  target.columns = stream.columns;
  if (stream.key_column) target.key_columns.push_back(*stream.key_column);
  target.timestamp_column = stream.timestamp_column;
  target.has_series_keys = stream.key_is_series && has_series(stream.columns);
  return target;
}

ast::CreateTable with_target(const ast::CreateTable& select, const Target& target) {
  ast::CreateTable query = select;
  query.options.push_back({{"topic", false, {}}, ast::Option::Kind::kString, target.topic, {}});
  query.options.push_back(
      {{"partitions", false, {}}, ast::Option::Kind::kNumber, std::to_string(target.partitions), {}});
  return query;
}

std::optional<size_t> column_of(const std::vector<ColumnSchema>& columns, std::string_view name) {
  const auto found = std::ranges::find_if(
      columns, [&](const ColumnSchema& column) { return equals_ignoring_case(column.name, name); });
  if (found == columns.end()) return std::nullopt;
  return static_cast<size_t>(found - columns.begin());
}

Status check_keys(const Target& target, const BoundView& view, const ast::CreateTable& select, const SourceText& source,
                  const Catalog& catalog) {
  const auto& project = std::get<Project>(view.plan->input->operation);
  if (target.has_series_keys && !has_series_keys(*view.plan, catalog)) {
    const ast::Position position = select.partition_by ? select.partition_by->position : select.select_position;
    return source.error_at(
        position.offset,
        fmt::format("the keys of {} are made of gateway, metricType and metricAttribute, and rows keep the keys that "
                    "they have: select all three of a stream with such keys as they are, without PARTITION BY",
                    target.name));
  }
  for (const size_t key : target.key_columns) {
    const std::string& name = target.columns[key].name;
    const auto item = column_of(view.plan->schema, name);
    if (item && is_key(*project.items[*item].expression, *view.plan, catalog)) continue;
    return source.error_at(
        item ? project.items[*item].position : select.select_position.offset,
        fmt::format("{0} of {1} is the record's key, and rows keep the keys that they have: select the KEY column of "
                    "the source as {0}, or the column that streams are joined by, or what PARTITION BY has",
                    name, target.name));
  }
  return {};
}

/// Every result must be a column of the target, and its event time must be among them.
Status check_columns(const Target& target, const BoundView& view, const ast::CreateTable& select,
                     const SourceText& source) {
  const auto& project = std::get<Project>(view.plan->input->operation);
  for (size_t item = 0; item < project.items.size(); ++item) {
    const ColumnSchema& result = view.plan->schema[item];
    const auto error = [&](std::string_view message) { return source.error_at(project.items[item].position, message); };
    const auto column = column_of(target.columns, result.name);
    if (!column) {
      std::vector<std::string> names;
      names.reserve(target.columns.size());
      for (const ColumnSchema& each : target.columns) names.push_back(each.name);
      const std::string nearest = nearest_name(result.name, names);
      return error(fmt::format(
          "stream {} has no column {}; {}", target.name, result.name,
          nearest.empty() ? fmt::format("it has {}", fmt::join(names, ", ")) : "did you mean " + nearest + "?"));
    }
    const ColumnSchema& wanted = target.columns[*column];
    const bool is_widened = wanted.type == ColumnType::kDouble && result.type == ColumnType::kBigint;
    if (wanted.type != result.type && !is_widened) {
      return error(fmt::format("column {} of {} is {}, this is {}", wanted.name, target.name, name_of(wanted.type),
                               name_of(result.type)));
    }
    if (wanted.name != result.name) {
      return error(fmt::format("column {} of {} is spelled so in its records; select {} AS {}", wanted.name,
                               target.name, result.name, wanted.name));
    }
  }
  if (!target.timestamp_column) return {};
  const std::string& time = target.columns[*target.timestamp_column].name;
  if (column_of(view.plan->schema, time)) return {};
  return source.error_at(select.select_position.offset,
                         fmt::format("a row of {} needs its event time: select something AS {}", target.name, time));
}

/// Names as the target spells them, where the query may say so.
bool respell(ast::CreateTable& query, const Target& target, const BoundView& view) {
  bool has_changed = false;
  const bool has_star = std::ranges::any_of(query.items, &ast::SelectItem::star);
  for (size_t item = 0; !has_star && item < query.items.size(); ++item) {
    const std::string& name = view.plan->schema[item].name;
    const auto column = column_of(target.columns, name);
    if (!column || target.columns[*column].name == name) continue;
    query.items[item].alias = ast::Identifier{target.columns[*column].name, true, query.items[item].position};
    has_changed = true;
  }
  return has_changed;
}

void add_topics(const PlanNode& plan, std::vector<std::string>& topics) {
  if (const auto* scan = std::get_if<Scan>(&plan.operation)) topics.push_back(scan->stream->topic);
  if (const auto* scan = std::get_if<TableScan>(&plan.operation)) topics.push_back(scan->table->topic);
  if (const auto* lookup = std::get_if<Lookup>(&plan.operation)) topics.push_back(lookup->spec.table->topic);
  if (plan.input) add_topics(*plan.input, topics);
  if (plan.second) add_topics(*plan.second, topics);
}

bool has_late_rows(const PlanNode& plan) {
  for (const PlanNode* node = &plan; node != nullptr; node = node->input.get()) {
    if (std::holds_alternative<WindowAggregate>(node->operation)) return true;
    if (std::holds_alternative<StreamJoinNode>(node->operation)) return true;
  }
  return false;
}

/// Whether the plan's rows go to the topic, be it that they come too late.
bool is_written(const PlanNode& plan, std::string_view topic) {
  const std::string& results = std::get<Sink>(plan.operation).topic;
  return topic == results || (has_late_rows(plan) && topic == results + "-late");
}

/// What the topic's records come from, by one step.
void add_origins(const std::string& topic, const Catalog& catalog, std::vector<std::string>& origins) {
  constexpr std::string_view kRejected = "-rejected";
  if (topic.ends_with(kRejected)) origins.push_back(topic.substr(0, topic.size() - kRejected.size()));
  const auto add = [&](const PlanNode* plan) {
    if (plan != nullptr && is_written(*plan, topic)) add_topics(*plan, origins);
  };
  for (const Catalog::Entry& entry : catalog.entries()) add(entry.plan.get());
  for (const Catalog::Insertion& insertion : catalog.insertions()) add(insertion.plan.get());
}

/// One that stays the same wherever the query stands and whatever other ones there are.
std::string free_name(const Target& target, const std::string& from, const BoundView& view, const Catalog& catalog) {
  BoundProgram alone;
  alone.views.push_back({fmt::format("{}.from.{}", target.name, from), view.plan});
  const std::string definition = plan_streams(alone).views.front().definition();
  const auto hash = static_cast<uint32_t>(XXH3_64bits(definition.data(), definition.size()));
  const std::string wanted = fmt::format("{}.{:08x}", alone.views.front().name, hash);
  std::string name = wanted;
  const auto is_taken = [&] {
    return catalog.find({name, true, {}}) != nullptr ||
           std::ranges::find(catalog.insertions(), name, &Catalog::Insertion::name) != catalog.insertions().end();
  };
  // Of queries that are quite the same it does not matter which is which.
  for (int number = 2; is_taken(); ++number) name = fmt::format("{}.{}", wanted, number);
  return name;
}

}  // namespace

Result<BoundView> bind_insert_query(const ast::InsertQuery& syntax, const SourceText& source, Catalog& catalog) {
  const ast::CreateTable& select = syntax.select;
  ASSIGN_OR_RETURN(const Target target, find_target(select.name, source, catalog));
  ast::CreateTable query = with_target(select, target);
  ASSIGN_OR_RETURN(BoundView view, bind_table(query, source, catalog));
  if (!is_stream(view)) {
    return source.error_at(select.source.position.offset,
                           "a join of tables is a table; the rows of streams go into a stream");
  }
  if (respell(query, target, view)) {
    ASSIGN_OR_RETURN(view, bind_table(query, source, catalog));
  }
  RETURN_IF_ERROR(check_columns(target, view, select, source));
  RETURN_IF_ERROR(check_keys(target, view, select, source, catalog));
  RETURN_IF_ERROR(check_rows_end({view.plan.get(), target.name, select.source.position}, source, catalog));
  view.name = free_name(target, catalog.find(select.source)->name.text, view, catalog);
  catalog.add_insertion({view.name, target.name, target.topic, view.plan});
  return view;
}

std::vector<std::shared_ptr<const PlanNode>> insertions_into(const ast::Identifier& target, const Catalog& catalog) {
  std::vector<std::shared_ptr<const PlanNode>> plans;
  const Catalog::Entry* entry = catalog.find(target);
  for (const Catalog::Insertion& insertion : catalog.insertions()) {
    if (entry != nullptr && insertion.target == entry->name.text) plans.push_back(insertion.plan);
  }
  return plans;
}

Status check_rows_end(const NewWriter& writer, const SourceText& source, const Catalog& catalog) {
  std::vector<std::string> waiting;
  add_topics(*writer.plan, waiting);
  std::set<std::string> known;
  while (!waiting.empty()) {
    const std::string next = std::move(waiting.back());
    waiting.pop_back();
    if (is_written(*writer.plan, next)) {
      return source.error_at(writer.reads.offset,
                             fmt::format("what this reads comes from {} itself, so that its rows would come round for "
                                         "ever; read or write another stream",
                                         writer.target));
    }
    if (known.insert(next).second) add_origins(next, catalog, waiting);
  }
  return {};
}

Status check_writable(const ast::Identifier& target, const SourceText& source, const Catalog& catalog) {
  const Catalog::Entry* entry = catalog.find(target);
  if (entry == nullptr || !entry->is_read_only) return {};
  return source.error_at(
      target.position.offset,
      fmt::format("{} is a SOURCE, which is only read; declare it without SOURCE to write into it", entry->name.text));
}

}  // namespace meterstream
