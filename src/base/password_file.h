// Purpose: a password that stands in the first line of a file.
// Thread-safety: reads one file.
// Errors: kInvalid, naming the file and the section of the configuration to check; never the line.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

/// `section`: of meterstream.toml, such as "redis".
Result<std::string> read_password_file(const std::string& path, std::string_view section);

}  // namespace meterstream
