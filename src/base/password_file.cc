#include "base/password_file.h"

#include <fstream>

#include <fmt/format.h>

namespace meterstream {

Result<std::string> read_password_file(const std::string& path, std::string_view section) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty()) {
    return invalid(fmt::format("no password in the first line of {}. Check [{}] password_file", path, section));
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace meterstream
