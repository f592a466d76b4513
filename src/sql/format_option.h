// Purpose: the options value_format and value_delimiter of a WITH (...). Part of the binder.
// Errors: kInvalid with the position.
// Thread-safety: pure function over the reader.
#pragma once

#include <vector>

#include "sql/option_reader.h"
#include "stream/value_format.h"

namespace meterstream {

struct FormatOption {
  ValueFormat format = ValueFormat::kJson;
  char delimiter = ',';
};

/// The first of `formats` is the default.
Result<FormatOption> bind_format(OptionReader& options, const std::vector<ValueFormat>& formats);

}  // namespace meterstream
