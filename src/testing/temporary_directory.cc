#include "testing/temporary_directory.h"

#include <cstdlib>
#include <string>
#include <system_error>

#include "base/check.h"

namespace meterstream {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "meterstream-XXXXXX").string();
  CHECK_MESSAGE(::mkdtemp(name.data()) != nullptr, name);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace meterstream
