// Purpose: the query that a view is, as a batch system runs it over all the rows there are: the batch runtimes of the same plan.
// Relations: a stream or table is a relation of its name with the columns of its declaration, TIMESTAMPs in UTC; of a table each
//            row that there ever was, if it has times, else the latest of each key. They are the same for all dialects.
// Semantics: as the stream engine's, over rows that are all in time: overflow, division by zero and a CAST without a counterpart give
//            NULL. SUM and AVG have nine digits behind the point. tests/oracle/*_random_queries_test.py compare them.
// Errors: kInvalid for what the system has no counterpart of, which the message names.
// Thread-safety: pure functions.
// Source: DuckDB's and Spark's SQL references; the texts are tested with the versions of tools/python-requirements.txt and tools/spark-requirements.txt.
#pragma once

#include <string>

#include "base/result.h"
#include "sql/batch_dialect.h"
#include "sql/logical_plan.h"

namespace meterstream {

Result<std::string> batch_text(const PlanNode& plan, const BatchDialect& dialect);

/// Over columns that are called c0, c1, ... there.
Result<std::string> batch_text(const Expression& expression, const BatchDialect& dialect);

/// Over such columns, too.
Result<std::string> batch_text(const AggregateSpec& aggregate, const BatchWindow& window, const BatchDialect& dialect);

}  // namespace meterstream
