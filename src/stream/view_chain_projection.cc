// A view that is a stream: a row for each row, perhaps under another key.
#include "stream/view_chain.h"

namespace meterstream {

void ViewChain::project(DecodedBatch& batch, ViewOutput& output) {
  int64_t faults = 0;
  std::vector<Column> computed;
  std::vector<const Column*> columns;
  computed.reserve(views_.front()->projection.size());
  for (const ProjectedColumn& column : views_.front()->projection) {
    const Expression& expression = *column.expression;
    if (expression.kind == Expression::Kind::kColumn) {
      columns.push_back(&batch.columns.columns[expression.column]);
    } else {
      columns.push_back(&computed.emplace_back(evaluate(expression, batch.columns, faults)));
    }
  }
  const Expression* partition_by = views_.front()->partition_by.get();
  if (partition_by == nullptr) {
    for (const uint32_t row : rows_) output.row(0, batch.record_of(row), columns, row);
  } else {
    const Column keys = evaluate(*partition_by, batch.columns, faults);
    for (const uint32_t row : rows_) {
      RecordView keyed = batch.record_of(row);
      // An empty text is a key, nothing is none.
      keyed.key = keys.is_null(row) ? std::string_view() : keys.strings[row].empty() ? "" : keys.strings[row];
      output.row(0, keyed, columns, row);
    }
  }
  count_faults(faults);
  ViewAccounting& accounting = levels_.front().accounting;
  accounting.aggregated += static_cast<int64_t>(rows_.size());
  accounting.results += static_cast<int64_t>(rows_.size());
}

}  // namespace meterstream
