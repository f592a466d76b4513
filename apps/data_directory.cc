#include "apps/data_directory.h"

namespace meterstream {

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(const std::string& path, Mode mode, const Clock& clock) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory());
  directory->path_ = path;
  RocksDbStoreOptions options;
  options.create = mode == Mode::kCreate;
  ASSIGN_OR_RETURN(directory->store_, RocksDbStore::open(path, options));
  directory->schemas_ = std::make_unique<LogSchemaStore>(*directory->store_);
  ASSIGN_OR_RETURN(directory->log_, EmbeddedLog::open(*directory->store_, clock));
  return directory;
}

}  // namespace meterstream
