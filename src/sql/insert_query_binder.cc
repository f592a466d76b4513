#include "sql/insert_query_binder.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sql/computed_stream.h"

namespace meterstream {
namespace {

/// A stream as rows are written into it.
struct Target {
  std::string name;
  std::string topic;
  int32_t partitions = 0;
  std::vector<ColumnSchema> columns;
  std::optional<size_t> key_column;
  std::optional<size_t> timestamp_column;
  bool has_series_keys = false;
};

bool has_series(const std::vector<ColumnSchema>& columns) {
  return std::ranges::all_of(std::vector{"gateway", "metricType", "metricAttribute"}, [&](std::string_view part) {
    return std::ranges::any_of(columns,
                               [&](const ColumnSchema& column) { return equals_ignoring_case(column.name, part); });
  });
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
  Target target{.name = entry->name.text};
  if (entry->stream == nullptr) {
    const auto& sink = std::get<Sink>(entry->plan->operation);
    if (sink.format != ValueFormat::kJson) {
      return error(fmt::format("not supported yet: INSERT of a query into {}, a stream of {}; its rows are JSON",
                               entry->name.text, name_of(sink.format)));
    }
    target.topic = sink.topic;
    target.partitions = sink.partitions;
    target.columns = entry->plan->schema;
    return target;
  }
  const StreamSpec& stream = *entry->stream;
  if (stream.format != ValueFormat::kJson) {
    return error(fmt::format("not supported yet: INSERT of a query into {}, a stream of {}; its rows are JSON",
                             entry->name.text, name_of(stream.format)));
  }
  target.topic = stream.topic;
  target.partitions = stream.partitions;
  target.columns = stream.columns;
  target.key_column = stream.key_column;
  target.timestamp_column = stream.timestamp_column;
  target.has_series_keys = stream.key_is_series && !stream.key_column && has_series(stream.columns);
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

/// Whether the expression is what the rows' records have as their key.
bool is_key(const Expression& expression, const PlanNode& plan, const Catalog& catalog) {
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

Status check_keys(const Target& target, const BoundView& view, const ast::CreateTable& select, const SourceText& source,
                  const Catalog& catalog) {
  const auto& project = std::get<Project>(view.plan->input->operation);
  const auto error = [&](uint32_t offset, std::string_view message) { return source.error_at(offset, message); };
  if (target.has_series_keys && !keeps_series(view.plan->schema, project, source_of(*view.plan))) {
    return error(select.select_position.offset,
                 fmt::format("the keys of {} are made of gateway, metricType and metricAttribute, and rows keep the "
                             "keys that they have: select these columns of a stream with such keys as they are",
                             target.name));
  }
  if (!target.key_column) return {};
  const std::string& name = target.columns[*target.key_column].name;
  const auto item = column_of(view.plan->schema, name);
  if (item && is_key(*project.items[*item].expression, *view.plan, catalog)) return {};
  return error(item ? project.items[*item].position : select.select_position.offset,
               fmt::format("{} of {} is the record's key, and rows keep the keys that they have: select the KEY column "
                           "of the source as {}, or the column that streams are joined by",
                           name, target.name, name));
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

/// Whether what the plan reads is computed from the topic, at any remove.
bool comes_from(const PlanNode& plan, const std::string& topic, const Catalog& catalog) {
  std::vector<std::string> waiting;
  add_topics(plan, waiting);
  std::set<std::string> known;
  while (!waiting.empty()) {
    const std::string next = std::move(waiting.back());
    waiting.pop_back();
    if (next == topic) return true;
    if (!known.insert(next).second) continue;
    for (const Catalog::Entry& entry : catalog.entries()) {
      if (entry.plan != nullptr && entry.topic == next) add_topics(*entry.plan, waiting);
    }
    for (const Catalog::Insertion& insertion : catalog.insertions()) {
      if (insertion.topic == next) add_topics(*insertion.plan, waiting);
    }
  }
  return false;
}

std::string free_name(const std::string& target, const std::string& from, const Catalog& catalog) {
  const std::string wanted = fmt::format("{}.from.{}", target, from);
  std::string name = wanted;
  const auto is_taken = [&] {
    return std::ranges::find(catalog.insertions(), name, &Catalog::Insertion::name) != catalog.insertions().end();
  };
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
  if (comes_from(*view.plan, target.topic, catalog)) {
    return source.error_at(select.source.position.offset,
                           fmt::format("what this reads comes from {} itself, so that its rows would come round for "
                                       "ever; insert into another stream",
                                       target.name));
  }
  view.name = free_name(target.name, catalog.find(select.source)->name.text, catalog);
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

Status check_writable(const ast::Identifier& target, const SourceText& source, const Catalog& catalog) {
  const Catalog::Entry* entry = catalog.find(target);
  if (entry == nullptr || !entry->is_read_only) return {};
  return source.error_at(
      target.position.offset,
      fmt::format("{} is a SOURCE, which is only read; declare it without SOURCE to write into it", entry->name.text));
}

}  // namespace meterstream
