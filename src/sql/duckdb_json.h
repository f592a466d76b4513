// Purpose: calls of functions of JSON as DuckDB writes them, with the answers that the stream engine gives.
// Errors: kInvalid for calls without a counterpart there.
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "sql/batch_dialect.h"

namespace meterstream {

/// `parts` are the texts of the arguments.
Result<std::string> duckdb_json_text(const Expression& call, const SqlParts& parts);

}  // namespace meterstream
