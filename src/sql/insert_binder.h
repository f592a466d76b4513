// Purpose: the rows of INSERT INTO ... VALUES as cells. Part of the binder.
// Errors: kInvalid with the position: unknown columns, values that are no constants or of another type.
// Thread-safety: pure functions.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "metering/column_batch.h"
#include "sql/ast.h"
#include "sql/source_text.h"

namespace meterstream {

/// A column of one entry for each column of the target; those that are not given are NULL.
struct InsertedRow {
  InsertedRow() = default;
  // Not copied: cells point into texts.
  InsertedRow(InsertedRow&&) noexcept = default;
  InsertedRow& operator=(InsertedRow&&) noexcept = default;

  std::vector<Column> cells;
  /// Of the texts in `cells`.
  std::deque<std::string> texts;
};

/// `target` as messages name it, such as "table bounds".
Result<std::vector<InsertedRow>> bind_rows(const ast::InsertValues& syntax, std::string_view target,
                                           const std::vector<ColumnSchema>& columns, const SourceText& source);

}  // namespace meterstream
