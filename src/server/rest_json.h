// Purpose: the JSON that ksqlDB's API answers with: results of statements, rows of queries, errors.
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/statement_service.h"

namespace meterstream {

/// error_code of the API; its first three digits are the status of HTTP.
enum class RestError : int {
  kBadRequest = 40000,
  kBadStatement = 40001,
  kQueryEndpoint = 40002,
  kUnauthorized = 40100,
  kForbidden = 40300,
  kNotFound = 40400,
  kBadMethod = 40500,
  kTooManyQueries = 42900,
  kServerError = 50000,
  kUnavailable = 50300,
};
int status_of(RestError error);
RestError rest_error_of(const Error& error);

/// {"@type":"generic_error","error_code":...,"message":...}
std::string error_json(RestError error, std::string_view message);
/// The same with the statement that failed and the results of those before.
std::string statement_error_json(RestError error, std::string_view message, std::string_view statement,
                                 const std::vector<StatementResult>& before);

/// An array. INSERT, SET and the like have no entry, as in ksqlDB.
std::string results_json(const std::vector<StatementResult>& results);

/// As ksqlDB calls it: STRING for VARCHAR.
std::string_view api_type(std::string_view sql_type);
void append_json_value(std::string& out, const QueryValue& value);
/// [1,"a",null]
void append_json_row(std::string& out, const QueryRow& row);

}  // namespace meterstream
