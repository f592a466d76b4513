// Purpose: CREATE TABLE ... AS SELECT over a join of two tables. Part of the binder.
// Errors: kInvalid with the position, for sources, conditions and clauses that cannot be.
#pragma once

#include "base/result.h"
#include "sql/ast.h"
#include "sql/binder.h"

namespace meterstream {

/// The statement has a table in FROM and at least one join.
Result<BoundView> bind_table_join(const ast::CreateTable& table, const SourceText& source, const Catalog& catalog);

}  // namespace meterstream
