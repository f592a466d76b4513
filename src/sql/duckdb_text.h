// Purpose: the query that a view is, as DuckDB runs it over all the rows there are: the batch runtime of the same plan.
// Relations: a stream or table is a relation of its name with the columns of its declaration, TIMESTAMPs in UTC; of a table each
//            row that there ever was, if it has times, else the latest of each key.
// Semantics: as the stream engine's, over rows that are all in time: overflow, division by zero and a CAST without a counterpart give
//            NULL. SUM and AVG have nine digits behind the point. tests/oracle/duckdb_random_queries_test.py compares both.
// Errors: kInvalid for what DuckDB has no counterpart of, which the message names.
// Thread-safety: pure function.
// Source: DuckDB's SQL reference; the texts are tested with the version of tools/python-packages.
#pragma once

#include <string>

#include "base/result.h"
#include "sql/logical_plan.h"

namespace meterstream {

Result<std::string> duckdb_text(const PlanNode& plan);

/// Over columns that are called c0, c1, ... there.
Result<std::string> duckdb_text(const Expression& expression);

/// Of the rows of a group, in milliseconds.
struct DuckDbWindow {
  std::string time;
  std::string end;
};
/// Over such columns, too.
Result<std::string> duckdb_text(const AggregateSpec& aggregate, const DuckDbWindow& window);

}  // namespace meterstream
