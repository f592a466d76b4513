// Purpose: the parts of a request's target: path and query.
// Thread-safety: pure functions. Errors: nothing for a target that is malformed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meterstream {

/// %41 becomes A; with `plus_is_space`, as in queries, + becomes a space. Nothing for a % without two digits and for %00.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

struct TargetParts {
  std::string path;        ///< decoded
  std::string_view query;  ///< of the target, as it was sent, without '?'
};
/// Of "/path?query" or "http://host/path?query" or "*". Nothing where it is neither, or has control characters.
std::optional<TargetParts> split_target(std::string_view target);

struct QueryParameter {
  std::string name;
  std::string value;
  bool operator==(const QueryParameter&) const = default;
};
/// Of "a=1&b=x%20y&c". Nothing when a part cannot be decoded.
std::optional<std::vector<QueryParameter>> query_parameters(std::string_view query);

}  // namespace meterstream
