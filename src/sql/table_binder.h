// Purpose: CREATE TABLE without AS SELECT and INSERT INTO. Part of the binder.
// Errors: kInvalid with the position, for columns, options and values that cannot be.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/binder.h"
#include "stream/table_insert.h"

namespace meterstream {

Result<std::shared_ptr<const TableSpec>> bind_declared_table(const ast::CreateStream& syntax, const SourceText& source,
                                                             const StreamSpec& defaults);

/// That there is no table of this name, and which may be meant.
Error unknown_table(const ast::Identifier& name, const SourceText& source, const Catalog& catalog);

/// One for each row.
Result<std::vector<InsertSpec>> bind_insert(const ast::InsertValues& syntax, const SourceText& source,
                                            const Catalog& catalog);

}  // namespace meterstream
