// Purpose: calls of scalar functions as a batch system writes them, with the answers that the stream engine gives.
// Errors: kInvalid for calls without a counterpart there.
// Thread-safety: pure function.
#pragma once

#include <string>

#include "base/result.h"
#include "sql/batch_dialect.h"

namespace meterstream {

/// `parts` are the texts of the arguments.
Result<std::string> batch_call_text(const Expression& call, const SqlParts& parts, const BatchDialect& dialect);

}  // namespace meterstream
