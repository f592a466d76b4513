// Purpose: what every AS SELECT has: where results go, and names of its items. Part of the binder.
// Errors: kInvalid with the position.
#pragma once

#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/logical_plan.h"
#include "sql/source_text.h"

namespace meterstream {

/// From the options and EMIT.
Result<Sink> bind_result_topic(const ast::CreateTable& table, const SourceText& source);

/// The alias, or the column's own name, or KSQL_COL_n.
ast::Identifier name_of_item(const ast::SelectItem& item, const Expression& bound,
                             const std::vector<ColumnSchema>& columns, size_t number);

/// Refuses a name that is there already.
Status add_item_name(const ast::Identifier& name, const SourceText& source, std::vector<ast::Identifier>& names);

}  // namespace meterstream
