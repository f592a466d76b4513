// Purpose: private to RocksDbStore: RocksDB's own messages, appended to a file. RocksDB's logger ends the process when it
//          cannot write; this one leaves the message out.
// Thread-safety: the logger may be called concurrently. Errors: none; a full disk loses messages and nothing else.
#pragma once

#include <filesystem>
#include <memory>

namespace rocksdb {
class Logger;
}

namespace meterstream {

/// `file` is made with the first message, in a directory that must exist by then; one beyond 1 MB starts anew.
std::shared_ptr<rocksdb::Logger> make_store_logger(const std::filesystem::path& file);

}  // namespace meterstream
