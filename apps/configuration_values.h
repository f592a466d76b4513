// Purpose: values of meterstream.toml, read from its nodes, and the table row that says where one goes.
// Errors: kInvalid with what is wanted instead; the caller adds file, line and key.
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "apps/configuration.h"

namespace meterstream {

struct ConfigurationKey {
  const char* name;
  Status (*set)(Configuration&, const toml::node&);
};

Result<int64_t> whole_number(const toml::node& node);
Result<int64_t> milliseconds(const toml::node& node);
Result<int64_t> size_in_bytes(const toml::node& node);
Status assign(int64_t& target, Result<int64_t> value, int64_t lowest);
Status assign_text(std::string& target, const toml::node& node);
Status assign_boolean(bool& target, const toml::node& node);
Status assign_texts(std::vector<std::string>& target, const toml::node& node);

}  // namespace meterstream
