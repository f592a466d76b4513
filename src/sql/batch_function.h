// Purpose: calls of scalar functions as a batch system writes them, with the answers that the stream engine gives.
// Errors: kInvalid for calls without a counterpart there.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/batch_dialect.h"

namespace meterstream {

/// `parts` are the texts of the arguments.
Result<std::string> batch_call_text(const Expression& call, const SqlParts& parts, const BatchDialect& dialect);

/// Of a zone such as '+02:00', which not every system knows as one.
std::optional<int64_t> fixed_offset_ms(std::string_view zone);

}  // namespace meterstream
