#include "base/password_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

namespace meterstream {

Result<std::string> read_password_file(const std::string& path, std::string_view section) {
  std::ifstream file(path);
  if (!file) {
    return invalid(fmt::format("the password file {} cannot be read ({}). Check [{}] password_file", path,
                               std::strerror(errno), section));
  }
  std::string line;
  std::getline(file, line);
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) {
    return invalid(fmt::format("no password in the first line of {}. Check [{}] password_file", path, section));
  }
  return line;
}

}  // namespace meterstream
