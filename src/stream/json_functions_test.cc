#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "metering/json_encoder.h"
#include "stream/json_path.h"
#include "stream/scalar_function.h"

namespace meterstream {
namespace {

struct Answer {
  bool is_fault = false;
  FunctionValue value;
  std::string text;
};

Answer call(std::string_view name, std::vector<FunctionValue> arguments, ColumnType last = ColumnType::kVarchar) {
  for (const ScalarFunction& function : scalar_functions()) {
    if (function.name != name || !function.takes(arguments.size()) || function.argument(arguments.size() - 1) != last)
      continue;
    FunctionArena arena;
    Answer answer;
    answer.is_fault = !function.body(arguments, answer.value, arena);
    answer.text = answer.value.text;
    return answer;
  }
  ADD_FAILURE() << "there is no " << name;
  return {};
}

FunctionValue text(std::string_view text) {
  FunctionValue value;
  value.text = text;
  return value;
}

/// The field, "NULL" and "fault".
std::string field(std::string_view json, std::string_view path) {
  const Answer answer = call("EXTRACTJSONFIELD", {text(json), text(path)});
  if (answer.is_fault) return "fault";
  return answer.value.is_null ? "NULL" : answer.text;
}

std::string joined(const std::vector<std::string>& documents) {
  std::vector<FunctionValue> arguments;
  for (const std::string& document : documents) arguments.push_back(text(document));
  const Answer answer = call("JSON_CONCAT", arguments);
  return answer.is_fault ? "fault" : answer.text;
}

bool is_json(std::string_view json) {
  return call("IS_JSON_STRING", {text(json)}).value.integer != 0;
}

TEST(JsonFunctions, ExtractsWhatAPathLeadsTo) {
  constexpr std::string_view kJson =
      R"({"meter": {"id": "m\u00e9 \"7\"", "values": [1, -2.50, 1e3, true, null, {"x": [ ]}]}, "a b": 18446744073709551615})";
  EXPECT_EQ(field(kJson, "$.meter.id"), "mé \"7\"");
  EXPECT_EQ(field(kJson, "$.meter.values[0]"), "1");
  EXPECT_EQ(field(kJson, "$['meter'].values[1]"), "-2.5");
  EXPECT_EQ(field(kJson, "$.meter.values[2]"), "1000.0");
  EXPECT_EQ(field(kJson, "$.meter.values[3]"), "true");
  EXPECT_EQ(field(kJson, "$.meter.values[5]"), R"({"x":[]})");
  EXPECT_EQ(field(kJson, "$[\"a b\"]"), "18446744073709551615");
  EXPECT_EQ(field(R"([[1, 2], [3]])", "$[1]"), "[3]");
  EXPECT_EQ(field(" 7 ", "$"), "7");
  EXPECT_EQ(field(R"({"a": 1, "a": 2})", "$.a"), "1");
}

TEST(JsonFunctions, AFieldThatIsNotThereOrNullIsNullAndNoFault) {
  for (const std::string_view path : {"$.b", "$.a[0]", "$.c[1]", "$.c.x", "$.n", "$[0]"})
    EXPECT_EQ(field(R"({"a": 1, "c": [0], "n": null})", path), "NULL") << path;
}

TEST(JsonFunctions, WhatIsNoJsonIsAFaultWhereverThePathLeads) {
  const std::string deep(3000, '[');
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "{",
                                          R"({"a": 1)",
                                          R"({"a": 1} x)",
                                          "[1,]",
                                          "'a'",
                                          "\"\xff\"",
                                          R"("\ud800")",
                                          "1e999",
                                          "123456789012345678901234567890",
                                          "01",
                                          deep,
                                          deep + std::string(3000, ']')};
  for (const std::string& json : texts) {
    EXPECT_EQ(field(json, "$.a"), "fault") << json.substr(0, 40);
    EXPECT_FALSE(is_json(json)) << json.substr(0, 40);
    EXPECT_TRUE(call("JSON_KEYS", {text(json)}).is_fault);
    EXPECT_TRUE(call("JSON_ARRAY_LENGTH", {text(json)}).is_fault);
    EXPECT_EQ(joined({"[]", json}), "fault");
  }
}

TEST(JsonFunctions, PathsThatAreNoneAreRefused) {
  for (const std::string_view path : {"", "a", "$.", "$a", "$..a", "$[", "$[a]", "$[-1]", "$['a]", "$['a'", "$[1",
                                      "$[99999999999999999999]", "$.a[]"})
    EXPECT_FALSE(parse_json_path(path)) << path;
  EXPECT_EQ(field("{}", "$."), "fault");
  EXPECT_EQ(*parse_json_path("$.a-b['x\\'.]'][0]"), (JsonPath{std::string("a-b"), std::string("x'.]"), size_t{0}}));
}

TEST(JsonFunctions, AnArrayContainsNumbersByValueAndTextsByTheirCharacters) {
  constexpr std::string_view kJson = R"([1, 2.0, 9007199254740993, "b", "é", false, [7], null, 18446744073709551615])";
  const auto has = [&](FunctionValue wanted, ColumnType type) {
    return call("JSON_ARRAY_CONTAINS", {text(kJson), wanted}, type).value.integer != 0;
  };
  const auto integer = [](int64_t wanted) { return FunctionValue{wanted, 0, {}, false}; };
  const auto number = [](double wanted) { return FunctionValue{0, wanted, {}, false}; };
  for (const int64_t wanted : {1L, 2L, 9007199254740993L}) EXPECT_TRUE(has(integer(wanted), ColumnType::kBigint));
  for (const int64_t wanted : {0L, 7L, 9007199254740992L, -1L}) EXPECT_FALSE(has(integer(wanted), ColumnType::kBigint));
  EXPECT_TRUE(has(number(1), ColumnType::kDouble));
  EXPECT_TRUE(has(number(2), ColumnType::kDouble));
  EXPECT_FALSE(has(number(2.5), ColumnType::kDouble));
  EXPECT_TRUE(has(text("b"), ColumnType::kVarchar));
  EXPECT_TRUE(has(text("é"), ColumnType::kVarchar));
  EXPECT_FALSE(has(text("1"), ColumnType::kVarchar));
  EXPECT_TRUE(has(integer(0), ColumnType::kBoolean));
  EXPECT_FALSE(has(integer(1), ColumnType::kBoolean));
  EXPECT_TRUE(call("JSON_ARRAY_CONTAINS", {text("{}"), text("a")}).is_fault);
}

TEST(JsonFunctions, ConcatenatesObjectsAndArrays) {
  EXPECT_EQ(joined({R"({"a": 1, "b": [2]})", R"({"c": null, "a": "x"})"}), R"({"a":"x","b":[2],"c":null})");
  EXPECT_EQ(joined({"[1, 2]", "[]", "[3]"}), "[1,2,3]");
  EXPECT_EQ(joined({R"({"a": 1})", "[3]", "4"}), R"([{"a":1},3,4])");
  EXPECT_EQ(joined({"{}", "{ }"}), "{}");
  EXPECT_EQ(joined({"[]"}), "[]");
}

TEST(JsonFunctions, NamesOfAnObjectComeInTheirOrder) {
  EXPECT_EQ(call("JSON_KEYS", {text(R"({"b": 1, "a \"x\"": {"c": 2}})")}).text, R"(["b","a \"x\""])");
  EXPECT_TRUE(call("JSON_KEYS", {text("[]")}).is_fault);
}

RC_GTEST_PROP(JsonFunctions, AnyTextsInAnObjectAreFoundAgain, ()) {
  // Letters, quotes, backslashes, control characters, brackets.
  const auto any_text = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\"\\\n\t\x01[]{}.,: '")));
  const auto members = *rc::gen::container<std::map<std::string, std::string>>(any_text, any_text);
  std::string json = "{";
  for (const auto& [name, value] : members) {
    json += json.size() == 1 ? "" : " , ";
    append_json_string(json, name);
    json += ":\n";
    json += call("TO_JSON_STRING", {text(value)}).text;
  }
  json += "}";
  RC_ASSERT(is_json(json));
  std::string names = "[";
  for (const auto& [name, value] : members) {
    std::string path = "$['";
    for (const char character : name)
      path += (character == '\'' || character == '\\' ? "\\" : "") + std::string(1, character);
    RC_ASSERT(field(json, path + "']") == value);
    names += names.size() == 1 ? "" : ",";
    append_json_string(names, name);
  }
  RC_ASSERT(call("JSON_KEYS", {text(json)}).text == names + "]");
  // Its own text again, and once more in an array.
  const std::string plain = field(json, "$");
  RC_ASSERT(joined({plain}) == plain);
  RC_ASSERT(joined({json, "[]"}) == "[" + plain + "]");
}

}  // namespace
}  // namespace meterstream
