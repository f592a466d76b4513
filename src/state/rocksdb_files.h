// Purpose: private to RocksDbStore: its files' checksums, the FORMAT file, and RocksDB's errors in words for people.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/file_checksum.h>
#include <rocksdb/status.h>

#include "base/result.h"

namespace meterstream {

/// CRC-32C of whole files, kept in RocksDB's manifest. Debian's RocksDB computes its own without the CPU's instructions.
std::shared_ptr<rocksdb::FileChecksumGenFactory> make_file_checksum_factory();

/// The checksum of a file as the factory above gives it. `on_bytes` hears of progress and returns false to stop.
Result<std::string> checksum_of_file(const std::filesystem::path& file, uint64_t size,
                                     const std::function<bool(uint64_t bytes)>& on_bytes);

/// Checks the FORMAT file of the data directory, or writes it when the directory has no store yet.
Status prepare_data_directory(const std::filesystem::path& directory, bool create);

/// `path` is the data directory.
Error error_of(const rocksdb::Status& status, const std::filesystem::path& path);

/// The same for a store that could not be opened: also says who holds it.
Error open_error_of(const rocksdb::Status& status, const std::filesystem::path& path);

}  // namespace meterstream
