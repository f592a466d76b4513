// Purpose: calls of scalar functions as a batch system writes them, with the answers that the stream engine gives.
// Errors: kInvalid for calls without a counterpart there.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/batch_dialect.h"

namespace meterstream {

/// `parts` are the texts of the arguments.
Result<std::string> batch_call_text(const Expression& call, const SqlParts& parts, const BatchDialect& dialect);

/// NULL beyond the years that dialects have.
std::string calendar_time(const std::string& millis, const BatchDialect& dialect);

/// What a text must match to be read by a pattern of yyyy, MM, dd, HH, mm and ss; systems take more.
std::string expression_of(const std::vector<PatternPart>& pattern);

/// Of a zone such as '+02:00', which not every system knows as one.
std::optional<int64_t> fixed_offset_ms(std::string_view zone);

}  // namespace meterstream
