// Any bytes compile or give an error with a place; what parses is printed, read back and equal.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sql/parser.h"
#include "sql/statement.h"
#include "sql/stream_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace meterstream;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto program = compile_sql(text, "fuzz.sql");
  if (program) {
    for (const ViewSpec& view : program->views) {
      // A stream projects, a table aggregates.
      if (view.is_stream() != view.aggregates.empty()) std::abort();
      if (view.definition().empty() || view.window_size_ms <= 0) std::abort();
    }
  } else if (!program.error().message.starts_with("fuzz.sql:")) {
    std::abort();
  }
  for (const StatementPart& part : split_statements(text)) {
    const auto statement = parse_statement(part, "fuzz.sql");
    const bool has_variable = part.text.find("${") != std::string_view::npos;
    if (!statement && !has_variable && !statement.error().message.starts_with("fuzz.sql:")) std::abort();
  }
  const auto script = parse_sql(SourceText(text, "fuzz.sql"));
  if (!script) return 0;
  const std::string printed = to_sql(*script);
  const auto again = parse_sql(SourceText(printed, "printed.sql"));
  if (!again || !(*again == *script)) std::abort();
  return 0;
}
