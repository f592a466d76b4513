// Purpose: where the rows of a query are: what its condition says about keys and windows of its sources, so that others need not be read.
// Rules: a row of the result has a row of each source that the condition says something about, and what is known of one side of a
//        join's equality is known of the other.
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "sql/query_binder.h"

namespace meterstream {

/// Sets the places of the query and of its joins.
void find_places(BoundQuery& query);

/// For EXPLAIN, of a table.
std::string places_text(const QuerySource& source, const RowPlaces& places);

}  // namespace meterstream
