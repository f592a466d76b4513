// Purpose: what a SQL file says, before names and types are looked up. Plain data.
// Equality: by meaning of the text; positions do not take part.
// Source: the dialect of docs/sql.md, which follows ksqlDB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "metering/column_batch.h"

namespace meterstream::ast {

/// Byte offset into the file's text.
struct Position {
  uint32_t offset = 0;
  bool operator==(const Position&) const { return true; }
};

struct Identifier {
  std::string text;
  bool quoted = false;  ///< matches by exact spelling; unquoted names ignore case
  Position position;
  bool operator==(const Identifier&) const = default;
};

struct Expression {
  enum class Kind : uint8_t {
    kColumn,   ///< name, qualifier
    kString,   ///< text
    kInteger,  ///< text: digits
    kDecimal,  ///< text: digits with point or exponent
    kBoolean,  ///< text: TRUE or FALSE
    kNull,
    kAnd,  ///< two or more children
    kOr,   ///< two or more children
    kNot,
    kNegate,
    kComparison,    ///< text: = <> < <= > >=
    kArithmetic,    ///< text: + - * / %
    kBetween,       ///< value, low, high; negated
    kIn,            ///< value, items...; negated
    kLike,          ///< value, pattern; negated
    kIsNull,        ///< value; negated
    kSearchedCase,  ///< condition, value, ..., [else]
    kSimpleCase,    ///< operand, compared value, value, ..., [else]
    kCast,          ///< value; type
    kCall,          ///< name, arguments; star for COUNT(*)
  };
  Kind kind = Kind::kNull;
  std::string text;
  Identifier name;
  Identifier qualifier;  ///< empty text: none
  bool negated = false;
  bool star = false;
  bool has_else = false;
  ColumnType type = ColumnType::kBigint;
  std::vector<Expression> children;
  Position position;
  /// Levels of this tree; the parser refuses more than kMaxDepth.
  uint16_t depth = 1;
  bool operator==(const Expression&) const = default;
};

/// Deeper expressions are refused, so that no file can exhaust the stack.
inline constexpr int kMaxDepth = 200;

/// name = value in WITH (...).
struct Option {
  enum class Kind : uint8_t { kString, kNumber, kBoolean };
  Identifier name;
  Kind kind = Kind::kString;
  std::string value;
  Position value_position;
  bool operator==(const Option&) const = default;
};

struct ColumnDefinition {
  Identifier name;
  ColumnType type = ColumnType::kBigint;
  bool key = false;
  bool primary_key = false;
  Position position;
  bool operator==(const ColumnDefinition&) const = default;
};

/// CREATE STREAM without AS SELECT, or, with `is_table`, CREATE TABLE.
struct CreateStream {
  bool is_table = false;
  bool is_source = false;  ///< CREATE SOURCE: only read
  Identifier name;
  std::vector<ColumnDefinition> columns;
  std::vector<Option> options;
  bool operator==(const CreateStream&) const = default;
};

enum class TimeUnit : uint8_t { kMillisecond, kSecond, kMinute, kHour, kDay };

struct TimeLength {
  int64_t count = 0;
  TimeUnit unit = TimeUnit::kSecond;
  Position position;
  bool operator==(const TimeLength&) const = default;
};

struct TimeZone {
  std::string name;
  Position position;
  bool operator==(const TimeZone&) const = default;
};

struct Window {
  enum class Kind : uint8_t { kTumbling, kHopping, kSession };
  Kind kind = Kind::kTumbling;
  TimeLength size;                    ///< of a session: the gap
  std::optional<TimeZone> zone;       ///< of a tumbling window: its days are those of this place
  std::optional<TimeLength> advance;  ///< of a hopping window
  std::optional<TimeLength> retention;
  std::optional<TimeLength> grace;
  Position position;
  bool operator==(const Window&) const = default;
};

struct SelectItem {
  bool star = false;
  Expression expression;
  std::optional<Identifier> alias;
  Position position;
  bool operator==(const SelectItem&) const = default;
};

/// WITHIN length, or WITHIN (before, after)
struct Within {
  TimeLength before;
  std::optional<TimeLength> after;  ///< as before when left out
  std::optional<TimeLength> grace;
  Position position;
  bool operator==(const Within&) const = default;
};

/// JOIN source ON condition
struct Join {
  enum class Kind : uint8_t { kInner, kLeft, kRight, kFull };
  Kind kind = Kind::kInner;
  Identifier source;
  std::optional<Identifier> alias;
  std::optional<Within> within;  ///< of streams
  Expression condition;
  Position position;
  bool operator==(const Join&) const = default;
};

enum class Emit : uint8_t { kDefault, kFinal, kChanges, kBounds };

/// CREATE TABLE ... AS SELECT, or, with `is_stream`, CREATE STREAM ... AS SELECT.
struct CreateTable {
  bool is_stream = false;
  Identifier name;
  std::vector<Option> options;
  std::vector<SelectItem> items;
  Identifier source;
  std::optional<Identifier> source_alias;
  std::vector<Join> joins;
  std::optional<Window> window;
  std::optional<Expression> where;
  std::vector<Expression> group_by;
  std::optional<Expression> partition_by;  ///< of a stream
  std::optional<Expression> having;
  Emit emit = Emit::kDefault;
  Position select_position;
  bool operator==(const CreateTable&) const = default;
};

struct CreateSink {
  Identifier name;
  std::vector<Option> options;
  bool operator==(const CreateSink&) const = default;
};

/// INSERT INTO target (columns) VALUES (row), ...
struct InsertValues {
  Identifier target;
  std::vector<Identifier> columns;  ///< empty: all of the target
  std::vector<std::vector<Expression>> rows;
  Position position;
  bool operator==(const InsertValues&) const = default;
};

/// INSERT INTO target SELECT ...
struct InsertQuery {
  CreateTable select;  ///< a stream's; its name is the target
  bool operator==(const InsertQuery&) const = default;
};

/// EXPLAIN target
struct Explain {
  Identifier target;
  bool operator==(const Explain&) const = default;
};

struct SetOption {
  std::string name;
  std::string value;
  Position position;
  Position value_position = {};
  bool operator==(const SetOption&) const = default;
};

using Statement = std::variant<CreateStream, CreateTable, CreateSink, InsertValues, InsertQuery, Explain, SetOption>;

struct Script {
  std::vector<Statement> statements;
  bool operator==(const Script&) const = default;
};

}  // namespace meterstream::ast
