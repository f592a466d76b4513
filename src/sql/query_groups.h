// Purpose: a query with aggregates, as a view that the stream engine computes over the rows it finds. Part of the binder of queries.
// Errors: kInvalid with the position, as of CREATE TABLE ... AS SELECT.
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "sql/query_binder.h"

namespace meterstream {

/// Whether it has GROUP BY, HAVING or an aggregate.
bool is_grouped(const ast::CreateTable& select);

/// The names of `query` mean columns of `rows`, see QueryNames.
Result<BoundQuery> bind_groups(const ast::Query& query, const QuerySource& rows, bool has_joins,
                               const SourceText& text);

/// For EXPLAIN.
std::string groups_text(const ViewSpec& groups);

}  // namespace meterstream
