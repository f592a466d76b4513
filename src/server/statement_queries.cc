// What queries ask for: which rows there are, and who gives them.
#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "server/row_evaluation.h"
#include "server/session_settings.h"
#include "server/staged_rows.h"
#include "server/statement_engine.h"
#include "stream/table_feed.h"

namespace meterstream {
namespace {

/// Rows of a table as it is.
class TableRows final : public QueryRows {
 public:
  TableRows(std::string id, BoundQuery query, std::shared_ptr<MaterializedTable> table)
      : id_(std::move(id)), query_(std::move(query)), table_(std::move(table)), columns_(columns_of(query_)) {}

  [[nodiscard]] const std::string& id() const override { return id_; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] bool is_push() const override { return false; }
  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds) override {
    while (taken_ == waiting_.size()) {
      if (!has_more_ || is_closed_) return false;
      waiting_.clear();
      taken_ = 0;
      has_more_ = table_->read(query_, cursor_, waiting_);
    }
    size_t count = std::min(most, waiting_.size() - taken_);
    if (query_.limit) count = std::min<size_t>(count, static_cast<size_t>(*query_.limit - given_));
    for (size_t index = 0; index < count; ++index) rows.push_back(std::move(waiting_[taken_++]));
    given_ += static_cast<int64_t>(count);
    if (query_.limit && given_ >= *query_.limit) return false;
    return has_more_ || taken_ < waiting_.size();
  }
  void close() override { is_closed_ = true; }

 private:
  std::string id_;
  BoundQuery query_;
  std::shared_ptr<MaterializedTable> table_;
  std::vector<Column> columns_;
  MaterializedTable::Cursor cursor_;
  bool has_more_ = true;
  std::vector<QueryRow> waiting_;
  size_t taken_ = 0;
  int64_t given_ = 0;
  std::atomic<bool> is_closed_ = false;
};

Error not_found_at(const SourceText& text, ast::Position position, std::string_view message) {
  Error error = text.error_at(position.offset, message);
  error.code = ErrorCode::kNotFound;
  return error;
}

}  // namespace

Result<std::vector<std::shared_ptr<const QuerySource>>> StatementEngine::sources_of(const StatementCatalog& catalog,
                                                                                    const ast::Query& query,
                                                                                    const SourceText& text) {
  std::vector<std::shared_ptr<const QuerySource>> from;
  const auto add = [&](const ast::Identifier& name) -> Status {
    ASSIGN_OR_RETURN(const CatalogSource* source, catalog.need(name, text));
    const auto error = [&](std::string_view message) { return text.error_at(name.position.offset, message); };
    if (source->rows == nullptr) return error(fmt::format("{} is a sink, which gives no rows", source->name.text));
    from.push_back(source->rows);
    const bool keeps_windows = !source->rows->is_windowed || source->rows->window_start;
    if (query.select.emit == ast::Emit::kChanges || !source->rows->is_table || keeps_windows) return {};
    return error(fmt::format(
        "table {} does not keep which window its rows are of, so that they cannot be told apart; select it when "
        "the table is created: WINDOWSTART AS windowStart. EMIT CHANGES gives its results as they come",
        source->name.text));
  };
  RETURN_IF_ERROR(add(query.select.source));
  for (const ast::Join& join : query.select.joins) RETURN_IF_ERROR(add(join.source));
  return from;
}

Result<BoundQuery> StatementEngine::bind(const ast::Query& query, const SourceText& text) const {
  const auto catalog = this->catalog();
  ASSIGN_OR_RETURN(const auto from, sources_of(*catalog, query, text));
  return bind_query(query, from, text);
}

Result<TransientPlan> StatementEngine::plan_of(const ast::Query& query, const SourceText& text) const {
  const auto catalog = this->catalog();
  ASSIGN_OR_RETURN(auto from, sources_of(*catalog, query, text));
  return plan_transient(query, text, catalog->names(), std::move(from));
}

Result<std::unique_ptr<QueryRows>> StatementEngine::query(std::string_view text,
                                                          const StatementProperties& properties) {
  const std::vector<StatementPart> parts = split_statements(text);
  if (parts.size() != 1) return invalid(fmt::format("a query is one statement, these are {}", parts.size()));
  ASSIGN_OR_RETURN(const ParsedStatement statement,
                   parse_statement(parts.front(), properties.text_name, properties.variables));
  if (const auto* asked = std::get_if<ast::Query>(&statement.command)) return select(*asked, statement, properties);
  if (const auto* asked = std::get_if<ast::PrintTopic>(&statement.command)) return print(*asked, statement);
  return statement.source().error_at(0, "this is no query; a query begins with SELECT or PRINT");
}

Result<std::unique_ptr<QueryRows>> StatementEngine::select(const ast::Query& query, const ParsedStatement& statement,
                                                           const StatementProperties& properties) {
  if (is_transient(query)) {
    ASSIGN_OR_RETURN(TransientPlan plan, plan_of(query, statement.source()));
    for (const auto& source : plan.sources) RETURN_IF_ERROR(create_topic(source->name));
    return transients_.rows(std::move(plan), from_beginning(properties), query.limit,
                            register_query("transient", statement.text()));
  }
  ASSIGN_OR_RETURN(BoundQuery bound, bind(query, statement.source()));
  if (bound.groups != nullptr || !bound.joins.empty()) return select_staged(std::move(bound), statement);
  if (bound.source->is_table && !bound.emits_changes) {
    ASSIGN_OR_RETURN(auto table, table_of(bound.source));
    std::string id;
    {
      const std::scoped_lock lock(state_mutex_);
      id = fmt::format("pull_{}", ++queries_);
    }
    return std::unique_ptr<QueryRows>(std::make_unique<TableRows>(std::move(id), std::move(bound), std::move(table)));
  }
  RETURN_IF_ERROR(create_topic(bound.source->name));
  const TopicRange range{!bound.emits_changes || from_beginning(properties), bound.emits_changes};
  EventLog& log = bound.emits_changes ? around_.follower : around_.log;
  auto running = register_query(bound.emits_changes ? "transient" : "pull", statement.text());
  return select_rows(std::move(bound), range, std::move(running), log, around_.schemas);
}

Result<std::shared_ptr<MaterializedTable>> StatementEngine::table_of(const std::shared_ptr<const QuerySource>& source) {
  if (auto table = tables_.find(source)) return table;
  RETURN_IF_ERROR(create_topic(source->name));
  return tables_.get(source);
}

Result<std::unique_ptr<QueryRows>> StatementEngine::select_staged(BoundQuery query, const ParsedStatement& statement) {
  const OpenScan open_scan = [this](BoundQuery scan) -> Result<std::unique_ptr<RowStage>> {
    if (scan.source->is_table) {
      ASSIGN_OR_RETURN(auto table, table_of(scan.source));
      return std::unique_ptr<RowStage>(std::make_unique<TableStage>(std::move(scan), std::move(table)));
    }
    RETURN_IF_ERROR(create_topic(scan.source->name));
    ASSIGN_OR_RETURN(TopicCursor cursor, TopicCursor::open(around_.log, scan.source->topic, {true, false}));
    return std::unique_ptr<RowStage>(std::make_unique<TopicStage>(scan, std::move(cursor), around_.schemas));
  };
  return staged_rows(std::move(query), open_scan, register_query("pull", statement.text()), options_.most_query_bytes);
}

Result<std::unique_ptr<QueryRows>> StatementEngine::print(const ast::PrintTopic& print,
                                                          const ParsedStatement& statement) {
  const auto catalog = this->catalog();
  std::shared_ptr<const QuerySource> reading;
  for (const CatalogSource& source : catalog->sources()) {
    const bool is_avro = source.stream != nullptr && source.stream->format == ValueFormat::kAvro;
    if (is_avro && source.topic == print.topic) reading = source.rows;
  }
  if (const auto topic = around_.log.describe_topic(print.topic); !topic)
    return not_found_at(statement.source(), print.position, topic.error().message);
  auto running = register_query("print", statement.text());
  return print_rows(print, std::move(reading), std::move(running), around_.follower, around_.schemas);
}

}  // namespace meterstream
