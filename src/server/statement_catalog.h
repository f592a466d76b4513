// Purpose: what the statements so far have made: streams, tables, sinks and the queries that fill them.
// Guarantee: the same statements with the same sequence numbers give the same catalog, in every process and after every restart.
// Errors: kInvalid and kNotFound with place and caret; then nothing changed.
// Thread-safety: a value; copies share what does not change.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/statement_service.h"
#include "sql/query_binder.h"
#include "sql/statement.h"
#include "sql/stream_plan.h"

namespace meterstream {

struct CatalogSource {
  ast::Identifier name;
  ast::DropSource::Kind kind = ast::DropSource::Kind::kStream;
  ast::Statement definition;
  std::string statement;
  std::string topic;
  int32_t partitions = 0;
  /// Null for a sink.
  std::shared_ptr<const QuerySource> rows;
  std::shared_ptr<const StreamSpec> stream;  ///< of a declared stream
  std::shared_ptr<const TableSpec> table;    ///< of a declared table
  std::string timestamp_column;
  /// Names of the streams and tables that it is computed from.
  std::vector<std::string> reads;
  std::shared_ptr<const Explanation> explanation;
};

struct CatalogQuery {
  std::string id;
  /// Of the stream, table or sink that it fills.
  std::string fills;
  std::string statement;
  std::string topic;
  bool is_paused = false;
  /// Of an INSERT: its name among the catalog's insertions, what it reads and how it is computed.
  std::string insertion;
  std::vector<std::string> reads;
  std::shared_ptr<const Explanation> explanation;
  std::shared_ptr<const ViewSpec> view;  ///< null for a sink's
  std::shared_ptr<const SinkSpec> sink;
  /// As QueryRuntime names it.
  [[nodiscard]] const std::string& runtime_name() const { return view != nullptr ? view->name : sink->name; }
};

class StatementCatalog {
 public:
  explicit StatementCatalog(const StreamSpec& stream_defaults) : names_(stream_defaults) {}

  /// Carries out a CREATE, DROP, TERMINATE, PAUSE or RESUME. `sequence` is its place in the statement log.
  Result<StatementResult::Done> apply(const ParsedStatement& statement, int64_t sequence);
  /// Whether a command changes the catalog.
  static bool is_change(const ast::Command& command);

  /// What is to run.
  [[nodiscard]] Program program() const;
  [[nodiscard]] const std::vector<CatalogSource>& sources() const { return sources_; }
  [[nodiscard]] const std::vector<CatalogQuery>& queries() const { return queries_; }
  [[nodiscard]] const Catalog& names() const { return names_; }
  [[nodiscard]] const CatalogSource* find(const ast::Identifier& name) const;
  /// kNotFound with the place and the nearest name.
  [[nodiscard]] Result<const CatalogSource*> need(const ast::Identifier& name, const SourceText& text) const;
  [[nodiscard]] const CatalogQuery* query_of(const CatalogSource& source) const;
  [[nodiscard]] const CatalogQuery* query(std::string_view id) const;
  /// Names of what reads it, of an INSERT the query's id.
  [[nodiscard]] std::vector<std::string> readers_of(const CatalogSource& source) const;
  /// What is over the topic, reads or writes it, such as "stream s", and how; `except` and its query do not count. Empty: nothing.
  [[nodiscard]] std::string user_of(std::string_view topic, const CatalogSource* except = nullptr) const;

 private:
  Result<StatementResult::Done> create(const ast::CreateSource& create, const ParsedStatement& statement,
                                       int64_t sequence);
  /// Whether the CREATE of a name that is taken is to go on; else what it comes to.
  Result<std::optional<StatementResult::Done>> replace(const ast::CreateSource& create, const SourceText& text);
  Status bind(const ast::CreateSource& create, const ParsedStatement& statement, int64_t sequence);
  Result<StatementResult::Done> insert(const ast::InsertQuery& insert, const ParsedStatement& statement,
                                       int64_t sequence);
  /// Ids of the INSERTs that write into it.
  [[nodiscard]] std::vector<std::string> insertions_of(const CatalogSource& source) const;
  Status check_topic_is_its_own(const CatalogSource& source, const ast::DropSource& drop, const SourceText& text) const;
  Result<StatementResult::Done> drop(const ast::DropSource& drop, const SourceText& text);
  Result<StatementResult::Done> control(const ast::ControlQuery& control, const SourceText& text);
  void remove(const std::string& name);

  Catalog names_;
  std::vector<CatalogSource> sources_;
  std::vector<CatalogQuery> queries_;
};

/// "stream", "table", "sink"
std::string_view name_of(ast::DropSource::Kind kind);
/// A CREATE's or DROP's, such as stream/NAME/create.
std::string command_id(ast::DropSource::Kind kind, std::string_view name, std::string_view action);
ast::DropSource::Kind kind_of(const ast::Statement& definition);

}  // namespace meterstream
