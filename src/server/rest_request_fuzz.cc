// Whatever the body of a request is: it is read or refused, and its statements are parts of the text, in its order.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "server/rest_request.h"
#include "sql/statement.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(meterstream::parse_query_id(text));
  static_cast<void>(meterstream::parse_insert_target(text));
  static_cast<void>(meterstream::parse_insert_row(text));
  const auto request = meterstream::parse_rest_statements(text);
  const std::string_view sql = request ? std::string_view(request->sql) : text;
  const char* end = sql.data();
  for (const meterstream::StatementPart& part : meterstream::split_statements(sql)) {
    CHECK(!part.text.empty());
    CHECK(part.text.data() >= end);
    end = part.text.data() + part.text.size();
    CHECK(end <= sql.data() + sql.size());
    static_cast<void>(meterstream::is_query(part.text));
  }
  return 0;
}
