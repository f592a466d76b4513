// Purpose: decompression as a filter over a ByteSource: gzip (RFC 1952, several members) and zstd (RFC 8878, several
//          and skippable frames).
// Ownership: the filter owns the source below it.
// Errors: kCorrupt when the data is damaged or ends too early; the message names the file and how far it was good. All
//         that could be decompressed before comes first (of zstd: whole blocks).
//         Zero bytes after the last gzip member are padding and ignored.
// Thread-safety: none.
#pragma once

#include <memory>
#include <string_view>

#include "metering/byte_source.h"

namespace meterstream {

enum class Compression : uint8_t { kNone, kGzip, kZstd, kZip };

/// Told by the first bytes (at least 4) of a file.
Compression compression_of(std::string_view first_bytes);

std::unique_ptr<ByteSource> make_gzip_source(std::unique_ptr<ByteSource> compressed);
std::unique_ptr<ByteSource> make_zstd_source(std::unique_ptr<ByteSource> compressed);

}  // namespace meterstream
