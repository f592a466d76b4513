// Purpose: files as ByteSource: plain, gzip (also several members), zstd (also several frames) and zip.
// Format: told by the first bytes and not by the name.
// Errors: kNotFound (no such file, or no such entry in the archive), kInvalid (a directory, an empty or
// encrypted
//         archive, no permission), kCorrupt (truncated or damaged; says how far the data was good),
//         kUnavailable.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "metering/byte_source.h"

namespace meterstream {

/// `entry` names a file inside a zip archive; empty takes the first file that is not a directory. Ignored
/// otherwise.
Result<std::unique_ptr<ByteSource>> open_file_source(const std::string& path, std::string_view entry = {});

}  // namespace meterstream
