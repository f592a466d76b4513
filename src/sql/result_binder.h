// Purpose: what a table's GROUP BY names, and how SELECT and HAVING refer to it. Part of the binder.
// Errors: kInvalid with the position: types that cannot name groups, what is the same in every row, groups named twice.
// Thread-safety: none; short-lived.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/expression_binder.h"
#include "sql/logical_plan.h"
#include "sql/source_text.h"

namespace meterstream {

class GroupBinder {
 public:
  explicit GroupBinder(const SourceText& source) : source_(source) {}

  /// Adds `syntax`, which `rows` binds over `columns`, to the groups of `window` and to the schema of its results.
  Status add(const ast::Expression& syntax, ExpressionBinder rows, const std::vector<ColumnSchema>& columns,
             WindowAggregate& window, std::vector<ColumnSchema>& schema);

  /// Which group an expression of SELECT or HAVING is, by meaning and not by spelling; nothing when it is none.
  [[nodiscard]] std::optional<size_t> find(const ast::Expression& syntax, ExpressionBinder rows) const;

 private:
  struct Group {
    ast::Expression::Kind kind;
    std::string identity;
  };

  const SourceText& source_;
  std::vector<Group> groups_;
};

}  // namespace meterstream
