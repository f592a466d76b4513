// Purpose: the paths that EXTRACTJSONFIELD takes: $, then steps .name, ['name'], ["name"] and [index], as in $.meter.values[0].
// Semantics: a name without quotes ends before the next '.' or '['; inside quotes a backslash stands before a quote or a backslash.
//            An index counts from 0.
// Ownership: a path owns its names.
// Thread-safety: pure function.
// Errors: nothing for a text that is no path.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace meterstream {

using JsonStep = std::variant<std::string, size_t>;
using JsonPath = std::vector<JsonStep>;

std::optional<JsonPath> parse_json_path(std::string_view text);

}  // namespace meterstream
