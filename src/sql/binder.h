// Purpose: looks up names and types of a parsed SQL file and makes its logical plan.
// Errors: kInvalid with file:line:column and a caret: unknown and ambiguous names (with the nearest one), types that do
//         not fit, columns outside GROUP BY, misplaced aggregates, names used twice, windows that cannot be.
// Thread-safety: none; a catalog belongs to one caller.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/logical_plan.h"
#include "sql/source_text.h"

namespace meterstream {

/// What is declared so far. Names ignore case, unless both are quoted.
class Catalog {
 public:
  /// Streams declared without an option get it from `stream_defaults`.
  explicit Catalog(StreamSpec stream_defaults = {}) : stream_defaults_(std::move(stream_defaults)) {}

  [[nodiscard]] const StreamSpec& stream_defaults() const { return stream_defaults_; }
  /// How a name is taken: "a stream", "a table", "a sink"; empty when it is free.
  [[nodiscard]] std::string_view kind_of(const ast::Identifier& name) const;
  [[nodiscard]] std::shared_ptr<const StreamSpec> stream(const ast::Identifier& name) const;
  [[nodiscard]] std::vector<std::string> stream_names() const;
  /// What the stream or table computes; null when it is not computed.
  [[nodiscard]] std::shared_ptr<const PlanNode> plan(const ast::Identifier& name) const;
  [[nodiscard]] std::vector<std::string> computed_names() const;
  /// A table that rows are looked up in; null when there is none of this name.
  [[nodiscard]] std::shared_ptr<const TableSpec> table(const ast::Identifier& name) const;
  [[nodiscard]] std::vector<std::string> table_names() const;
  /// Which computed stream or table the topic is of; empty when it is of none.
  [[nodiscard]] std::string computing(std::string_view topic) const;
  /// Who writes the topic; empty when nobody here does.
  [[nodiscard]] std::string writer_of(std::string_view topic) const;

  void add_stream(const ast::Identifier& name, std::shared_ptr<const StreamSpec> stream);
  /// `stream` is null when it has no event time, so that nothing can read it here.
  void add_computed_stream(const ast::Identifier& name, std::string_view topic,
                           std::shared_ptr<const StreamSpec> stream, std::shared_ptr<const PlanNode> plan);
  void add_table(const ast::Identifier& name, std::string_view topic, std::shared_ptr<const PlanNode> plan);
  void add_declared_table(const ast::Identifier& name, std::shared_ptr<const TableSpec> table);
  void add_sink(const ast::Identifier& name);
  /// The name is only read from now on.
  void set_read_only(const ast::Identifier& name);

  /// A query that writes into a stream besides what fills it.
  struct Insertion {
    std::string name;
    std::string target;  ///< as it was declared
    std::string topic;
    std::shared_ptr<const PlanNode> plan;
  };
  void add_insertion(Insertion insertion) { insertions_.push_back(std::move(insertion)); }
  void remove_insertion(std::string_view name);
  [[nodiscard]] const std::vector<Insertion>& insertions() const { return insertions_; }

  struct Entry {
    ast::Identifier name;
    std::string_view kind;
    std::shared_ptr<const StreamSpec> stream;
    std::string topic;
    std::shared_ptr<const TableSpec> table;
    std::shared_ptr<const PlanNode> plan;
    bool is_read_only = false;
  };
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// Null when the name is free. Lives until the catalog changes.
  [[nodiscard]] const Entry* find(const ast::Identifier& name) const;
  /// Forgets the name, which then is free.
  void remove(const ast::Identifier& name);

 private:
  StreamSpec stream_defaults_;
  std::vector<Entry> entries_;
  std::vector<Insertion> insertions_;
};

/// Binds the statements in order; later ones see what earlier ones declare. `catalog` grows by what is declared.
Result<BoundProgram> bind_script(const ast::Script& script, const SourceText& source, Catalog& catalog);

/// The columns of a stream of readings that names none: gateway, metricType, metricAttribute, timestamp, value.
std::vector<ColumnSchema> reading_columns();

/// Whether a reference means a declared name: quoted by exact spelling, unquoted ignoring case.
bool is_same_name(const ast::Identifier& reference, std::string_view declared);

/// CREATE TABLE (select_binder.cc).
Result<BoundView> bind_table(const ast::CreateTable& table, const SourceText& source, const Catalog& catalog);
/// SELECT with aggregates, where GROUP BY may be left out: then all rows are one group (select_binder.cc).
Result<BoundView> bind_query_groups(const ast::CreateTable& select, const SourceText& source, const Catalog& catalog);

}  // namespace meterstream
