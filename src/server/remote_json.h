// Purpose: what answers of ksqlDB's API say: results of statements, errors, rows.
// Thread-safety: pure functions. Errors: kUnavailable for what is no such answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/statement_service.h"

namespace meterstream {

/// The error of an answer with a status of 400 or more, and the results of statements before the one that failed.
Error parse_error(int status, std::string_view body, std::vector<StatementResult>* before = nullptr);

/// The array of /ksql. Entries of kinds that this program does not know are left out.
Result<std::vector<StatementResult>> parse_results(std::string_view body);

struct RowsHead {
  std::string id;
  std::vector<QueryRows::Column> columns;
};
/// {"queryId":...,"columnNames":[...],"columnTypes":[...]}
Result<RowsHead> parse_rows_head(std::string_view line);
/// [value, ...]; or the error that ends the rows.
Result<QueryRow> parse_row(std::string_view line, const std::vector<QueryRows::Column>& columns);

/// {"status":"...","message":"..."}
std::optional<std::pair<std::string, std::string>> parse_status(std::string_view body);

/// "a": "b", ... of an object.
std::string json_object(const std::map<std::string, std::string>& texts);

}  // namespace meterstream
