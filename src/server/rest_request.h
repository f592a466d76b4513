// Purpose: what the bodies of requests to the ksqlDB API say.
// Thread-safety: pure functions. Errors: kInvalid, saying which member is wrong.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/statement_service.h"

namespace meterstream {

/// Of /ksql, /query and /query-stream.
struct RestStatements {
  std::string sql;
  StatementProperties properties;
};
/// {"ksql" or "sql": "...", "streamsProperties" or "properties": {}, "sessionVariables": {}, "commandSequenceNumber": 1}
Result<RestStatements> parse_rest_statements(std::string_view body);

/// {"queryId": "..."}
Result<std::string> parse_query_id(std::string_view body);

/// {"target": "..."}: the first line of /inserts-stream.
Result<std::string> parse_insert_target(std::string_view line);
using RestRow = std::map<std::string, QueryValue>;
/// {"COLUMN": value, ...}: each further line.
Result<RestRow> parse_insert_row(std::string_view line);

/// Whether a statement, from its first word on, is one for /query: SELECT or PRINT.
bool is_query(std::string_view statement);

}  // namespace meterstream
