// Purpose: calls of scalar functions as DuckDB writes them, with the answers that the stream engine gives.
// Errors: kInvalid for calls without a counterpart there.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/expression.h"

namespace meterstream {

/// `parts` are the texts of the arguments.
Result<std::string> duckdb_call_text(const Expression& call, const std::vector<std::string>& parts);

/// The same of functions of JSON.
bool is_json_function(std::string_view name);
Result<std::string> duckdb_json_text(const Expression& call, const std::vector<std::string>& parts);

/// A DOUBLE that is NULL where it would be infinite, which columns here cannot be.
std::string duckdb_finite_text(std::string_view text);

}  // namespace meterstream
