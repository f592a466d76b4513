// Purpose: checks of command-line options whose messages a person understands. Include it in .cc files only.
// Thread-safety: none; used while options are declared and parsed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace meterstream {

/// A whole number of at least `least`, all of it digits.
CLI::Validator whole_number_from(int64_t least);
/// One of these words; proposes the nearest for another.
CLI::Validator one_of(std::vector<std::string> words);

}  // namespace meterstream
