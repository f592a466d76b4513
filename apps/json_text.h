// Purpose: pieces of --json output.
#pragma once

#include <string>
#include <string_view>

#include "metering/json_encoder.h"

namespace meterstream {

/// `text` as a JSON string, with its quotes.
inline std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace meterstream
