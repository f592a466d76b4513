// Purpose: checks of command-line options whose messages a person understands. Include it in .cc files only.
// Thread-safety: none; used while options are declared and parsed.
#pragma once

#include <cstdint>

#include <CLI/CLI.hpp>

namespace meterstream {

/// A whole number of at least `least`, all of it digits.
CLI::Validator whole_number_from(int64_t least);

}  // namespace meterstream
