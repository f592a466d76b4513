// Any bytes are JSON or not for all functions alike, and what a function gives as JSON is JSON. The first line is a path.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "stream/scalar_function.h"

namespace {

using namespace meterstream;

bool call(std::string_view name, const std::vector<FunctionValue>& arguments, FunctionValue& result,
          FunctionArena& arena) {
  for (const ScalarFunction& function : scalar_functions()) {
    if (function.name == name && function.takes(arguments.size()) && function.argument(1) == ColumnType::kVarchar)
      return function.body(arguments, result, arena);
  }
  std::abort();
}

bool is_json(std::string_view text, FunctionArena& arena) {
  FunctionValue result;
  FunctionValue argument;
  argument.text = text;
  return call("IS_JSON_STRING", {argument}, result, arena) && result.integer != 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Exactly as large as the input, so that reading beyond shows.
  const std::vector<char> bytes(data, data + size);
  const std::string_view all(bytes.data(), bytes.size());
  const size_t line = std::min(all.find('\n'), all.size());
  FunctionValue path;
  path.text = all.substr(0, line);
  FunctionValue json;
  json.text = all.substr(std::min(line + 1, all.size()));
  FunctionArena arena;
  const bool is_valid = is_json(json.text, arena);
  FunctionValue joined;
  if (call("JSON_CONCAT", {json, json}, joined, arena) != is_valid) std::abort();
  if (is_valid && !is_json(joined.text, arena)) std::abort();
  FunctionValue found;
  if (call("EXTRACTJSONFIELD", {json, path}, found, arena) && !is_valid) std::abort();
  for (const std::string_view name : {"JSON_ARRAY_LENGTH", "JSON_KEYS"}) {
    FunctionValue result;
    if (!call(name, {json}, result, arena)) continue;
    if (!is_valid || (name == "JSON_KEYS" && !is_json(result.text, arena))) std::abort();
  }
  FunctionValue contains;
  if (call("JSON_ARRAY_CONTAINS", {json, path}, contains, arena) && !is_valid) std::abort();
  return 0;
}
