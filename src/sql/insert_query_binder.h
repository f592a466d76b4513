// Purpose: INSERT INTO a stream the rows of a query. Part of the binder.
// Errors: kInvalid with the position: no such stream, columns that it does not have or that are of another type, rows that would come
//         round again.
// Thread-safety: pure functions but for the catalog that grows.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/binder.h"

namespace meterstream {

/// The view is named after target, source and a hash of its definition, so that the order of several and those that go do not matter. It is
/// in the catalog's insertions.
Result<BoundView> bind_insert_query(const ast::InsertQuery& syntax, const SourceText& source, Catalog& catalog);

/// What such queries write into the name.
std::vector<std::shared_ptr<const PlanNode>> insertions_into(const ast::Identifier& target, const Catalog& catalog);

struct NewWriter {
  const PlanNode* plan = nullptr;
  std::string_view target;
  ast::Position reads;
};

/// Refuses what would read its own rows again, at any remove: by way of other queries, and of rows that are late or rejected.
Status check_rows_end(const NewWriter& writer, const SourceText& source, const Catalog& catalog);

/// Refuses a SOURCE.
Status check_writable(const ast::Identifier& target, const SourceText& source, const Catalog& catalog);

}  // namespace meterstream
