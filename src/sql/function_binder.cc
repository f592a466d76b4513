// Calls of scalar functions: which of several of one name is meant, and those that are short for other expressions.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "metering/time_pattern.h"
#include "metering/time_zone.h"
#include "sql/binder.h"
#include "sql/expression_binder.h"
#include "stream/json_path.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

constexpr std::string_view kCoalesce = "COALESCE";
constexpr std::string_view kIfNull = "IFNULL";
constexpr std::string_view kNullIf = "NULLIF";

bool is_number(ColumnType type) {
  return type == ColumnType::kBigint || type == ColumnType::kDouble;
}

std::string types_text(const std::vector<ExpressionPointer>& arguments) {
  std::string text;
  for (const ExpressionPointer& argument : arguments)
    text +=
        fmt::format("{}{}", text.empty() ? "" : ", ", is_null_literal(*argument) ? "NULL" : name_of(argument->type));
  return text;
}

std::string signature_of(const ScalarFunction& function) {
  std::string text;
  for (const ColumnType type : function.arguments) text += fmt::format("{}{}", text.empty() ? "" : ", ", name_of(type));
  return fmt::format("{}({}{})", function.name, text, function.is_variadic ? ", ..." : "");
}

bool accepts(const ScalarFunction& function, const std::vector<ExpressionPointer>& arguments) {
  if (!function.takes(arguments.size())) return false;
  for (size_t index = 0; index < arguments.size(); ++index) {
    const ColumnType wanted = function.argument(index);
    const bool fits = arguments[index]->type == wanted || is_null_literal(*arguments[index]) ||
                      (wanted == ColumnType::kDouble && arguments[index]->type == ColumnType::kBigint);
    if (!fits) return false;
  }
  return true;
}

const std::string* literal_text(const Expression& expression) {
  return expression.kind == Expression::Kind::kLiteral ? std::get_if<std::string>(&expression.literal) : nullptr;
}

}  // namespace

std::vector<std::string_view> scalar_function_names() {
  std::vector<std::string_view> names = {kCoalesce, kIfNull, kNullIf};
  for (const ScalarFunction& function : scalar_functions()) {
    if (names.back() != function.name) names.push_back(function.name);
  }
  return names;
}

bool is_scalar_function(const ast::Identifier& name) {
  return std::ranges::any_of(scalar_function_names(),
                             [&](std::string_view known) { return is_same_name(name, known); });
}

Result<ExpressionPointer> ExpressionBinder::scalar_call(const ast::Expression& expression) {
  if (expression.star)
    return error(expression, fmt::format("{}(*) has no meaning; only COUNT takes *", expression.name.text));
  std::vector<ExpressionPointer> arguments;
  for (const ast::Expression& child : expression.children) {
    ASSIGN_OR_RETURN(ExpressionPointer bound, bind(child));
    arguments.push_back(std::move(bound));
  }
  if (is_same_name(expression.name, kCoalesce)) return coalesce(expression, std::move(arguments));
  if (is_same_name(expression.name, kIfNull) || is_same_name(expression.name, kNullIf)) {
    if (arguments.size() != 2)
      return error(expression, fmt::format("{} takes two arguments, not {}", expression.name.text, arguments.size()));
    return is_same_name(expression.name, kIfNull) ? coalesce(expression, std::move(arguments))
                                                  : null_if(expression, std::move(arguments));
  }
  std::string known;
  for (const ScalarFunction& function : scalar_functions()) {
    if (!is_same_name(expression.name, function.name)) continue;
    if (accepts(function, arguments)) {
      RETURN_IF_ERROR(check_literals(function, arguments, expression));
      return call_expression(function, std::move(arguments));
    }
    known += (known.empty() ? "" : " or ") + signature_of(function);
  }
  return error(expression,
               fmt::format("{} does not take ({}); it is {}", expression.name.text, types_text(arguments), known));
}

/// What is wrong in every row is told before the first.
Status ExpressionBinder::check_literals(const ScalarFunction& function, const std::vector<ExpressionPointer>& arguments,
                                        const ast::Expression& at) {
  if (function.name == "EXTRACTJSONFIELD") {
    const std::string* path = literal_text(*arguments[1]);
    if (path != nullptr && !parse_json_path(*path))
      return error(at.children[1],
                   fmt::format("'{}' is no path into JSON; one is '$.meter.values[0]' or '$[''a name'']'", *path));
  }
  const bool has_pattern = function.name == "FORMAT_TIMESTAMP" || function.name == "PARSE_TIMESTAMP";
  const bool is_of_time = has_pattern || function.arguments.front() == ColumnType::kTimestamp;
  for (size_t index = 1; is_of_time && index < arguments.size(); ++index) {
    const std::string* text = literal_text(*arguments[index]);
    if (text == nullptr) continue;
    if (has_pattern && index == 1) {
      if (!is_time_pattern(*text))
        return error(at.children[index],
                     fmt::format("'{}' is no pattern of a time; one is 'yyyy-MM-dd HH:mm:ss'", *text));
    } else if (!is_time_zone(*text)) {
      return error(at.children[index],
                   fmt::format("there is no time zone '{}'; one is 'Europe/Athens', 'UTC' or '+02:00'", *text));
    }
  }
  return {};
}

ExpressionPointer ExpressionBinder::call_expression(const ScalarFunction& function,
                                                    std::vector<ExpressionPointer> arguments) {
  for (size_t index = 0; index < arguments.size(); ++index) {
    const ColumnType wanted = function.argument(index);
    ExpressionPointer& argument = arguments[index];
    if (is_null_literal(*argument)) argument->type = wanted;
    if (argument->type == wanted) continue;
    std::vector<ExpressionPointer> narrow;
    narrow.push_back(std::move(argument));
    argument = operation_expression(Operator::kCast, wanted, std::move(narrow));
  }
  ExpressionPointer call = operation_expression(Operator::kCall, function.result, std::move(arguments));
  call->function = &function;
  return call;
}

/// CASE WHEN a IS NOT NULL THEN a WHEN b IS NOT NULL THEN b ... ELSE the last END
Result<ExpressionPointer> ExpressionBinder::coalesce(const ast::Expression& at,
                                                     std::vector<ExpressionPointer> arguments) {
  if (arguments.empty()) return error(at, fmt::format("{} needs an argument", at.name.text));
  const auto typed = std::ranges::find_if(arguments, [](const auto& argument) { return !is_null_literal(*argument); });
  if (typed == arguments.end()) return std::move(arguments.front());
  ColumnType type = (*typed)->type;
  for (size_t index = 0; index < arguments.size(); ++index) {
    if (is_null_literal(*arguments[index])) arguments[index]->type = type;
    const ColumnType other = arguments[index]->type;
    if (is_number(type) && is_number(other)) {
      if (other == ColumnType::kDouble) type = other;
    } else if (other != type) {
      return error(at.children[index], fmt::format("this is {}, and what came before it {}; {} needs one type",
                                                   name_of(other), name_of(type), at.name.text));
    }
  }
  std::vector<ExpressionPointer> children;
  for (size_t index = 0; index + 1 < arguments.size(); ++index) {
    std::vector<ExpressionPointer> tested;
    ASSIGN_OR_RETURN(ExpressionPointer copy, copy_of(*arguments[index], at));
    tested.push_back(std::move(copy));
    children.push_back(operation_expression(Operator::kIsNotNull, ColumnType::kBoolean, std::move(tested)));
    children.push_back(std::move(arguments[index]));
  }
  children.push_back(std::move(arguments.back()));
  if (children.size() == 1) return std::move(children.front());
  return operation_expression(Operator::kCase, type, std::move(children));
}

/// CASE WHEN a = b THEN NULL ELSE a END
Result<ExpressionPointer> ExpressionBinder::null_if(const ast::Expression& at,
                                                    std::vector<ExpressionPointer> arguments) {
  ASSIGN_OR_RETURN(ExpressionPointer value, copy_of(*arguments[0], at));
  const ColumnType type = value->type;
  RETURN_IF_ERROR(match(arguments[0], arguments[1], at.children[1]));
  std::vector<ExpressionPointer> children;
  children.push_back(operation_expression(Operator::kEqual, ColumnType::kBoolean, std::move(arguments)));
  children.push_back(literal_expression(type, std::monostate()));
  children.push_back(std::move(value));
  return operation_expression(Operator::kCase, type, std::move(children));
}

}  // namespace meterstream
