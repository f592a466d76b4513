#include "sql/binder.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "metering/duration.h"
#include "sql/computed_stream.h"
#include "sql/format_option.h"
#include "sql/insert_query_binder.h"
#include "sql/option_reader.h"
#include "sql/parser.h"
#include "sql/sink_binder.h"
#include "sql/table_binder.h"

namespace meterstream {
namespace {

constexpr int64_t kMostPartitions = 1024;
constexpr std::string_view kApplicationId = "application.id";
constexpr std::string_view kCommitInterval = "commit.interval";

bool are_same(const ast::Identifier& one, const ast::Identifier& other) {
  return one.quoted && other.quoted ? one.text == other.text : equals_ignoring_case(one.text, other.text);
}

Status check_free(const ast::Identifier& name, const SourceText& source, const Catalog& catalog) {
  std::string_view kind = catalog.kind_of(name);
  const bool is_insertion = std::ranges::any_of(
      catalog.insertions(), [&](const Catalog::Insertion& insertion) { return is_same_name(name, insertion.name); });
  if (is_insertion) kind = "an INSERT";
  if (kind.empty()) return {};
  return source.error_at(name.position.offset, fmt::format("the name {} is used already, by {}", name.text, kind));
}

Result<std::vector<ColumnSchema>> bind_columns(const ast::CreateStream& stream, ValueFormat format,
                                               const SourceText& source) {
  if (stream.columns.empty()) {
    if (format == ValueFormat::kAvro) return reading_columns();
    return source.error_at(
        stream.name.position.offset,
        fmt::format("a stream of {} needs its columns: CREATE STREAM name (column TYPE, ...)", name_of(format)));
  }
  std::vector<ColumnSchema> columns;
  bool has_key = false;
  for (size_t i = 0; i < stream.columns.size(); ++i) {
    const ast::ColumnDefinition& column = stream.columns[i];
    for (size_t earlier = 0; earlier < i; ++earlier) {
      if (!are_same(stream.columns[earlier].name, column.name)) continue;
      return source.error_at(column.position.offset, fmt::format("column {} is declared twice", column.name.text));
    }
    if (column.primary_key) {
      return source.error_at(column.position.offset,
                             "a stream has no PRIMARY KEY: its rows do not replace one another");
    }
    if (column.key && column.type != ColumnType::kVarchar) {
      return source.error_at(
          column.position.offset,
          fmt::format("not supported yet: a KEY that is {}; the record's key is a VARCHAR", name_of(column.type)));
    }
    if (column.key && std::exchange(has_key, true))
      return source.error_at(column.position.offset, "a record has one key: leave KEY out here");
    columns.push_back({column.name.text, column.type});
  }
  return columns;
}

/// The named column, or the one called "timestamp", or the only TIMESTAMP column.
Result<size_t> bind_event_time(const std::vector<ColumnSchema>& columns, OptionReader& options,
                               const ast::CreateStream& stream, const SourceText& source) {
  const ast::Option* option = options.take({"timestamp"});
  if (option != nullptr) {
    std::vector<std::string> names;
    for (size_t i = 0; i < columns.size(); ++i) {
      names.push_back(columns[i].name);
      if (!equals_ignoring_case(columns[i].name, option->value)) continue;
      if (columns[i].type == ColumnType::kTimestamp) return i;
      return options.error(*option, fmt::format("column {} is {}; event time needs a TIMESTAMP column", columns[i].name,
                                                name_of(columns[i].type)));
    }
    const std::string nearest = nearest_name(option->value, names);
    return options.error(*option, fmt::format("the stream has no column {}{}", shown(option->value),
                                              nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
  }
  std::vector<size_t> candidates;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].type != ColumnType::kTimestamp) continue;
    if (equals_ignoring_case(columns[i].name, "timestamp")) return i;
    candidates.push_back(i);
  }
  if (candidates.size() == 1) return candidates[0];
  return source.error_at(
      stream.name.position.offset,
      candidates.empty() ? "the stream needs a TIMESTAMP column: readings are aggregated by their own time"
                         : "the stream has several TIMESTAMP columns; name its event time WITH (timestamp = 'column')");
}

Status bind_deduplication(OptionReader& options, StreamSpec& stream) {
  const ast::Option* option = options.take({"deduplicate"});
  if (option == nullptr) return {};
  if (option->kind == ast::Option::Kind::kBoolean || equals_ignoring_case(option->value, "off")) {
    stream.deduplicate = option->value == "TRUE";
    return {};
  }
  if (option->kind != ast::Option::Kind::kString) {
    return options.error(*option, "deduplicate needs a length of time such as '1 hour', TRUE or FALSE");
  }
  const Result<int64_t> horizon = parse_time_length(option->value);
  if (!horizon) return options.error(*option, horizon.error().message);
  if (*horizon == 0) return options.error(*option, "deduplicate needs a horizon above 0; FALSE switches it off");
  stream.deduplicate = true;
  stream.deduplicate_horizon_ms = *horizon;
  return {};
}

Result<std::shared_ptr<const StreamSpec>> bind_stream(const ast::CreateStream& syntax, const SourceText& source,
                                                      const StreamSpec& defaults) {
  auto stream = std::make_shared<StreamSpec>(defaults);
  stream->name = syntax.name.text;
  OptionReader options(syntax.options, source);
  ASSIGN_OR_RETURN(const auto topic, options.topic());
  stream->topic = topic.value_or(stream->name);
  const std::string fault = topic_name_fault(stream->topic);
  if (!fault.empty()) {
    return source.error_at(syntax.name.position.offset, fault + "; give the topic: WITH (topic = '...')");
  }
  ASSIGN_OR_RETURN(const FormatOption format,
                   bind_format(options, {ValueFormat::kAvro, ValueFormat::kJson, ValueFormat::kDelimited}));
  stream->format = format.format;
  stream->delimiter = format.delimiter;
  ASSIGN_OR_RETURN(stream->columns, bind_columns(syntax, stream->format, source));
  for (size_t i = 0; i < syntax.columns.size(); ++i) {
    if (!syntax.columns[i].key) continue;
    stream->key_column = i;
    stream->key_is_series = false;
  }
  ASSIGN_OR_RETURN(stream->timestamp_column, bind_event_time(stream->columns, options, syntax, source));
  RETURN_IF_ERROR(bind_deduplication(options, *stream));
  ASSIGN_OR_RETURN(const auto idle_timeout, options.duration_ms({"idle_timeout"}));
  stream->idle_timeout_ms = idle_timeout.value_or(stream->idle_timeout_ms);
  ASSIGN_OR_RETURN(const auto max_ahead, options.duration_ms({"max_ahead"}));
  stream->max_ahead_ms = max_ahead.value_or(stream->max_ahead_ms);
  ASSIGN_OR_RETURN(const auto partitions, options.integer({"partitions"}, 1, kMostPartitions));
  stream->partitions = static_cast<int32_t>(partitions.value_or(stream->partitions));
  RETURN_IF_ERROR(options.finish());
  return std::shared_ptr<const StreamSpec>(std::move(stream));
}

/// The setting's value as tasks read it.
Result<std::string> bind_setting(const ast::SetOption& syntax, const SourceText& source) {
  const auto value_error = [&](std::string_view message) {
    return source.error_at(syntax.value_position.offset, message);
  };
  if (syntax.name == kApplicationId) {
    if (syntax.value.empty()) return value_error("an application id must not be empty");
    return syntax.value;
  }
  if (syntax.name == kCommitInterval) {
    const Result<int64_t> interval_ms = parse_time_length(syntax.value);
    if (!interval_ms) return value_error(interval_ms.error().message);
    if (*interval_ms == 0) return value_error("a commit interval must be longer than 0");
    return format_duration(*interval_ms);
  }
  const std::string nearest = nearest_name(syntax.name, std::vector{kApplicationId, kCommitInterval});
  return source.error_at(
      syntax.position.offset,
      fmt::format("there is no setting {}; {}", shown(syntax.name),
                  nearest.empty() ? fmt::format("there are '{}' and '{}'", kApplicationId, kCommitInterval)
                                  : fmt::format("did you mean '{}'?", nearest)));
}

class ScriptBinder {
 public:
  ScriptBinder(const SourceText& source, Catalog& catalog) : source_(source), catalog_(catalog) {}

  Status bind(const ast::CreateStream& syntax) {
    RETURN_IF_ERROR(check_free(syntax.name, source_, catalog_));
    if (syntax.is_table) {
      ASSIGN_OR_RETURN(auto table, bind_declared_table(syntax, source_, catalog_.stream_defaults()));
      if (const std::string writer = catalog_.computing(table->topic); !writer.empty()) {
        return source_.error_at(syntax.name.position.offset,
                                fmt::format("not supported yet: a table over topic {}, which {} computes in this file",
                                            table->topic, writer));
      }
      catalog_.add_declared_table(syntax.name, std::move(table));
      if (syntax.is_source) catalog_.set_read_only(syntax.name);
      return {};
    }
    ASSIGN_OR_RETURN(auto stream, bind_stream(syntax, source_, catalog_.stream_defaults()));
    catalog_.add_stream(syntax.name, stream);
    if (syntax.is_source) catalog_.set_read_only(syntax.name);
    program.streams.push_back(std::move(stream));
    return {};
  }

  Status bind(const ast::CreateTable& syntax) {
    RETURN_IF_ERROR(check_free(syntax.name, source_, catalog_));
    ASSIGN_OR_RETURN(BoundView view, bind_table(syntax, source_, catalog_));
    const auto& sink = std::get<Sink>(view.plan->operation);
    const std::string writer = catalog_.writer_of(sink.topic);
    if (!writer.empty()) {
      return source_.error_at(
          syntax.name.position.offset,
          fmt::format("topic {} belongs to {} already; give another: WITH (topic = '...')", sink.topic, writer));
    }
    RETURN_IF_ERROR(check_rows_end({view.plan.get(), syntax.name.text, syntax.source.position}, source_, catalog_));
    if (syntax.is_stream)
      catalog_.add_computed_stream(syntax.name, sink.topic, computed_stream(view, sink, catalog_.stream_defaults()),
                                   view.plan);
    else
      catalog_.add_table(syntax.name, sink.topic, view.plan);
    program.views.push_back(std::move(view));
    return {};
  }

  Status bind(const ast::InsertQuery& syntax) {
    ASSIGN_OR_RETURN(BoundView view, bind_insert_query(syntax, source_, catalog_));
    program.views.push_back(std::move(view));
    return {};
  }

  Status bind(const ast::Explain& syntax) {
    auto plan = catalog_.plan(syntax.target);
    std::vector<std::shared_ptr<const PlanNode>> insertions = insertions_into(syntax.target, catalog_);
    if (plan == nullptr && insertions.empty()) {
      const std::string_view kind = catalog_.kind_of(syntax.target);
      const std::string nearest = nearest_name(syntax.target.text, catalog_.computed_names());
      return source_.error_at(
          syntax.target.position.offset,
          kind.empty()
              ? fmt::format("unknown stream or table {}; {}", syntax.target.text,
                            nearest.empty() ? "EXPLAIN takes one that is computed by AS SELECT"
                                            : "did you mean " + nearest + "?")
              : fmt::format("{} is {} that is not computed; EXPLAIN takes one AS SELECT", syntax.target.text, kind));
    }
    program.explained.push_back({syntax.target.text, std::move(plan), std::move(insertions)});
    return {};
  }

  Status bind(const ast::InsertValues& syntax) {
    ASSIGN_OR_RETURN(std::vector<InsertSpec> inserts, bind_insert(syntax, source_, catalog_));
    std::ranges::move(inserts, std::back_inserter(program.inserts));
    return {};
  }

  Status bind(const ast::CreateSink& syntax) {
    RETURN_IF_ERROR(check_free(syntax.name, source_, catalog_));
    ASSIGN_OR_RETURN(SinkSpec sink, bind_sink(syntax, source_));
    RETURN_IF_ERROR(check_contents(sink, syntax));
    catalog_.add_sink(syntax.name);
    program.sinks.push_back(std::move(sink));
    return {};
  }

  Status bind(const ast::SetOption& syntax) {
    ASSIGN_OR_RETURN(program.settings[syntax.name], bind_setting(syntax, source_));
    return {};
  }

  BoundProgram program;

 private:
  /// Of topics that this file declares what is in them is known: every record of the other kind would be rejected.
  Status check_contents(const SinkSpec& sink, const ast::CreateSink& syntax) const {
    const bool keeps_results = !sink.table.empty();
    for (const BoundView& view : program.views) {
      if (std::get<Sink>(view.plan->operation).topic != sink.topic) continue;
      if (keeps_results && !has_windows(view)) {
        return source_.error_at(
            syntax.name.position.offset,
            fmt::format("topic {} has no results of windows of one length, and this sink ({}) keeps those", sink.topic,
                        sink.type));
      }
      const bool is_delimited = std::get<Sink>(view.plan->operation).format == ValueFormat::kDelimited;
      if (keeps_results || (is_stream(view) && !is_delimited)) continue;
      if (is_delimited)
        return source_.error_at(
            syntax.name.position.offset,
            fmt::format("topic {} of stream {} is DELIMITED, and this sink ({}) reads AVRO and JSON", sink.topic,
                        view.name, sink.type));
      return source_.error_at(syntax.name.position.offset,
                              fmt::format("topic {} has results of table {}, and this sink ({}) keeps readings",
                                          sink.topic, view.name, sink.type));
    }
    for (const auto& stream : program.streams) {
      if (!keeps_results || stream->topic != sink.topic || stream->format != ValueFormat::kAvro) continue;
      return source_.error_at(
          syntax.name.position.offset,
          fmt::format("topic {} has readings of stream {}, and this sink ({}) keeps results of tables", sink.topic,
                      stream->name, sink.type));
    }
    return {};
  }

  const SourceText& source_;
  Catalog& catalog_;
};

}  // namespace

const Catalog::Entry* Catalog::find(const ast::Identifier& name) const {
  for (const Entry& entry : entries_) {
    if (are_same(entry.name, name)) return &entry;
  }
  return nullptr;
}

void Catalog::remove(const ast::Identifier& name) {
  std::erase_if(entries_, [&](const Entry& entry) { return are_same(entry.name, name); });
}

std::string_view Catalog::kind_of(const ast::Identifier& name) const {
  const Entry* entry = find(name);
  return entry == nullptr ? std::string_view() : entry->kind;
}

std::shared_ptr<const StreamSpec> Catalog::stream(const ast::Identifier& name) const {
  for (const Entry& entry : entries_) {
    if (entry.stream != nullptr && is_same_name(name, entry.name.text)) return entry.stream;
  }
  return nullptr;
}

std::vector<std::string> Catalog::stream_names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.stream != nullptr) names.push_back(entry.name.text);
  }
  return names;
}

std::shared_ptr<const TableSpec> Catalog::table(const ast::Identifier& name) const {
  for (const Entry& entry : entries_) {
    if (entry.table != nullptr && is_same_name(name, entry.name.text)) return entry.table;
  }
  return nullptr;
}

std::vector<std::string> Catalog::table_names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.table != nullptr) names.push_back(entry.name.text);
  }
  return names;
}

std::string Catalog::computing(std::string_view topic) const {
  for (const Entry& entry : entries_) {
    if (entry.plan != nullptr && entry.topic == topic) return entry.name.text;
  }
  return {};
}

std::string Catalog::writer_of(std::string_view topic) const {
  for (const Entry& entry : entries_) {
    const std::string& taken = entry.stream != nullptr ? entry.stream->topic : entry.topic;
    const bool has_late_rows =
        entry.kind == "a table" || (entry.plan != nullptr && stream_join_of(*entry.plan) != nullptr);
    const bool is_late_topic = has_late_rows && topic == taken + "-late";
    if (entry.kind != "a sink" && (taken == topic || is_late_topic)) {
      return fmt::format("{} {}", entry.kind.substr(2), entry.name.text);
    }
  }
  return {};
}

std::shared_ptr<const PlanNode> Catalog::plan(const ast::Identifier& name) const {
  for (const Entry& entry : entries_) {
    if (entry.plan != nullptr && is_same_name(name, entry.name.text)) return entry.plan;
  }
  return nullptr;
}

std::vector<std::string> Catalog::computed_names() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.plan != nullptr) names.push_back(entry.name.text);
  }
  return names;
}

void Catalog::add_stream(const ast::Identifier& name, std::shared_ptr<const StreamSpec> stream) {
  entries_.push_back({name, "a stream", std::move(stream), {}, nullptr, nullptr});
}
void Catalog::add_computed_stream(const ast::Identifier& name, std::string_view topic,
                                  std::shared_ptr<const StreamSpec> stream, std::shared_ptr<const PlanNode> plan) {
  entries_.push_back({name, "a stream", std::move(stream), std::string(topic), nullptr, std::move(plan)});
}
void Catalog::add_table(const ast::Identifier& name, std::string_view topic, std::shared_ptr<const PlanNode> plan) {
  entries_.push_back({name, "a table", nullptr, std::string(topic), nullptr, std::move(plan)});
}
void Catalog::add_declared_table(const ast::Identifier& name, std::shared_ptr<const TableSpec> table) {
  std::string topic = table->topic;
  entries_.push_back({name, "a table", nullptr, std::move(topic), std::move(table), nullptr});
}
void Catalog::set_read_only(const ast::Identifier& name) {
  for (Entry& entry : entries_) {
    if (are_same(entry.name, name)) entry.is_read_only = true;
  }
}
void Catalog::remove_insertion(std::string_view name) {
  std::erase_if(insertions_, [&](const Insertion& insertion) { return insertion.name == name; });
}
void Catalog::add_sink(const ast::Identifier& name) {
  entries_.push_back({name, "a sink", nullptr, {}, nullptr, nullptr});
}

bool is_same_name(const ast::Identifier& reference, std::string_view declared) {
  return reference.quoted ? reference.text == declared : equals_ignoring_case(reference.text, declared);
}

std::vector<ColumnSchema> reading_columns() {
  return {{"gateway", ColumnType::kVarchar},
          {"metricType", ColumnType::kVarchar},
          {"metricAttribute", ColumnType::kVarchar},
          {"timestamp", ColumnType::kTimestamp},
          {"value", ColumnType::kDouble}};
}

Result<BoundProgram> bind_script(const ast::Script& script, const SourceText& source, Catalog& catalog) {
  ScriptBinder binder(source, catalog);
  for (const ast::Statement& statement : script.statements) {
    RETURN_IF_ERROR(std::visit([&](const auto& one) { return binder.bind(one); }, statement));
  }
  return std::move(binder.program);
}

}  // namespace meterstream
