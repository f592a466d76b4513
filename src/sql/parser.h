// Purpose: SQL text to its syntax (sql/ast.h) and back.
// Guarantee: parse_sql(to_sql(script)) gives the same script, for every script that parse_sql gives.
// Errors: kInvalid with file:line:column, what was expected, the line and a caret. What ksqlDB has and this dialect has
//         not yet is told as "not supported yet".
// Thread-safety: pure functions. Time and memory grow linearly with the text; nesting is limited (ast::kMaxDepth).
#pragma once

#include <string>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/source_text.h"

namespace meterstream {

Result<ast::Script> parse_sql(const SourceText& source);

std::string to_sql(const ast::Script& script);
std::string to_sql(const ast::Expression& expression);
/// As SQL writes the name: quoted when it was.
std::string to_sql(const ast::Identifier& identifier);
/// 'text' with its quotes doubled.
std::string sql_string(std::string_view text);

}  // namespace meterstream
