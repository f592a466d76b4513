// Purpose: what words of SQL stand for: types and units of time.
// Thread-safety: pure functions.
#pragma once

#include "metering/column_batch.h"
#include "sql/ast.h"
#include "sql/token.h"

namespace meterstream {

/// BIGINT for each word that is none of the others.
ColumnType column_type(Terminal word);
/// Seconds for each word that is none of the others.
ast::TimeUnit time_unit(Terminal word);

}  // namespace meterstream
