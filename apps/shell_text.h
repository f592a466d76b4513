// Purpose: text for command lines that a message proposes, so that they can be pasted into a shell.
// Thread-safety: a pure function. Errors: none.
#pragma once

#include <string>
#include <string_view>

namespace meterstream {

/// As it is where that is safe, else in single quotes (POSIX shells).
std::string shell_quoted(std::string_view text);

}  // namespace meterstream
