// Purpose: the rows that a query's joins and groups are over, as those of one source, and what names mean there. Part of the binder of queries.
// Errors: kInvalid with the position: unknown and ambiguous names, conditions of joins that are no equalities.
// Thread-safety: none; short-lived.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "sql/query_binder.h"
#include "sql/row_scope.h"

namespace meterstream {

/// WINDOWSTART and WINDOWEND compare with milliseconds, too, as in ksqlDB.
void give_times(ast::Expression& expression);
/// Whether it is WINDOWSTART or WINDOWEND.
bool is_window_bound(const ast::Expression& expression);

class QueryNames {
 public:
  QueryNames(const ast::CreateTable& select, const std::vector<std::shared_ptr<const QuerySource>>& sources,
             const SourceText& text);

  /// Binds the joins, and has each name in the rest of the SELECT mean a column of rows(): quoted, and unlike all others.
  Result<ast::CreateTable> resolve(std::vector<QueryJoin>& joins);
  /// Of all sources, with the keys and windows of the first one.
  [[nodiscard]] const std::shared_ptr<const QuerySource>& rows() const { return rows_; }

 private:
  void add_source(size_t source);
  void make_rows();
  Status bind_join(size_t join, std::vector<QueryJoin>& joins);
  Status bind_keys(const ast::Expression& condition, size_t first, QueryJoin& join);
  Result<size_t> meaning_of(const ast::Expression& reference) const;
  Status resolve(ast::Expression& expression, bool keeps_bounds) const;
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return text_.error_at(position.offset, message);
  }

  const ast::CreateTable& select_;
  const std::vector<std::shared_ptr<const QuerySource>>& sources_;
  const SourceText& text_;
  RowScope scope_;
  std::vector<size_t> begins_;  ///< of the sources in the columns of scope_
  std::shared_ptr<const QuerySource> rows_;
};

}  // namespace meterstream
