#include "stream/lag_columns.h"

#include <map>
#include <numeric>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "state/memory_store.h"

namespace meterstream {
namespace {

std::shared_ptr<const Expression> text_column() {
  auto column = std::make_shared<Expression>();
  column->kind = Expression::Kind::kColumn;
  column->type = ColumnType::kVarchar;
  return column;
}

ViewSpec view_of(const std::vector<size_t>& rows) {
  auto first = std::make_shared<Expression>();
  first->type = ColumnType::kVarchar;
  first->literal = std::string("first");
  ViewSpec view;
  for (const size_t count : rows) view.lags.push_back({text_column(), count % 2 == 0 ? first : nullptr, count});
  return view;
}

/// Of each key all values so far; nothing for NULL.
using History = std::map<std::string, std::vector<std::optional<std::string>>>;

std::optional<std::string> expected(const std::vector<std::optional<std::string>>& values, size_t rows) {
  if (values.size() >= rows) return values[values.size() - rows];
  return rows % 2 == 0 ? std::optional<std::string>("first") : std::nullopt;
}

struct Row {
  std::string key;
  std::optional<std::string> value;
};

void check_batch(LagColumns& lags, const std::vector<size_t>& counts, const std::vector<Row>& rows, History& history) {
  std::vector<RecordView> records(rows.size());
  DecodedBatch batch;
  batch.columns.rows = rows.size();
  batch.columns.columns.push_back(null_column(ColumnType::kVarchar, rows.size()));
  for (size_t row = 0; row < rows.size(); ++row) {
    records[row].key = rows[row].key;
    batch.columns.record_index.push_back(static_cast<uint32_t>(row));
    if (!rows[row].value) continue;
    batch.columns.columns[0].strings[row] = *rows[row].value;
    batch.columns.columns[0].validity[row] = 1;
  }
  batch.records = records;
  int64_t faults = 0;
  lags.add(batch, batch.columns.record_index, faults);
  RC_ASSERT(faults == 0);
  RC_ASSERT(batch.columns.columns.size() == counts.size() + 1);
  for (size_t row = 0; row < rows.size(); ++row) {
    std::vector<std::optional<std::string>>& values = history[rows[row].key];
    for (size_t lag = 0; lag < counts.size(); ++lag) {
      const Column& column = batch.columns.columns[lag + 1];
      const std::optional<std::string> found =
          column.is_null(row) ? std::nullopt : std::optional(std::string(column.strings[row]));
      RC_ASSERT(found == expected(values, counts[lag]));
    }
    values.push_back(rows[row].value);
  }
}

TEST(LagColumns, GoesBackAsManyRowsOfTheKeyAsItSaysAlsoBehindARestart) {
  ASSERT_TRUE(rc::check("lag", [] {
    const auto counts = *rc::gen::nonEmpty(rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 6)));
    const ViewSpec view = view_of(counts);
    MemoryStore store;
    History history;
    auto lags = std::make_unique<LagColumns>(view);
    for (int batches = *rc::gen::inRange(1, 6); batches > 0; --batches) {
      std::vector<Row> rows(*rc::gen::inRange<size_t>(1, 12));
      for (Row& row : rows) {
        row.key = std::string(1, *rc::gen::elementOf(std::string("abc")));
        if (*rc::gen::inRange(0, 4) > 0) row.value = std::to_string(*rc::gen::inRange(0, 3));
      }
      check_batch(*lags, counts, rows, history);
      WriteBatch changes;
      lags->save_changes("p", changes);
      RC_ASSERT(store.write(changes, Durability::kSync).has_value());
      if (*rc::gen::arbitrary<bool>()) continue;
      lags = std::make_unique<LagColumns>(view);
      RC_ASSERT(lags->load("p", store).has_value());
    }
  }));
}

}  // namespace
}  // namespace meterstream
