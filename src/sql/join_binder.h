// Purpose: JOIN of a stream with a table. Part of the binder.
// Errors: kInvalid with the position, for sources and conditions that cannot be.
#pragma once

#include "base/result.h"
#include "sql/ast.h"
#include "sql/binder.h"
#include "sql/row_scope.h"
#include "stream/lookup_spec.h"

namespace meterstream {

/// A declared table, or one that is computed without windows by a single key.
Result<std::shared_ptr<const TableSpec>> joinable_table(const ast::Identifier& name, const SourceText& source,
                                                        const Catalog& catalog);

/// Adds the table to `scope`.
Result<LookupSpec> bind_join(const ast::Join& join, RowScope& scope, const SourceText& source, const Catalog& catalog);

}  // namespace meterstream
