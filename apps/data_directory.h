// Purpose: everything that lives in one data directory, opened together: store, log, schemas.
// Thread-safety: the parts are thread-safe; opening and closing belong to one thread.
// Errors: as RocksDbStore::open says; messages name the directory and what to do. kNotFound without `create` when there
//         is no data yet.
// Guarantee: one process at a time; everything committed before is there.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "state/rocksdb_store.h"

namespace meterstream {

class DataDirectory {
 public:
  enum class Mode : unsigned char { kCreate, kExisting };

  /// `clock` must outlive it.
  static Result<std::unique_ptr<DataDirectory>> open(const std::string& path, Mode mode, const Clock& clock);

  [[nodiscard]] const std::string& path() const { return path_; }
  RocksDbStore& store() { return *store_; }
  EmbeddedLog& log() { return *log_; }
  SchemaStore& schemas() { return *schemas_; }

 private:
  DataDirectory() = default;

  std::string path_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<LogSchemaStore> schemas_;
  std::unique_ptr<EmbeddedLog> log_;
};

}  // namespace meterstream
