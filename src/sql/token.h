// Purpose: the words and symbols of the SQL dialect, as the lexer gives them to the grammar.
// Ownership: a token's text is a view of the file's text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/source_text.h"

namespace meterstream {

enum class Terminal : uint8_t {
  kEnd,
  kName,
  kQuotedName,
  kString,
  kInteger,
  kDecimal,
  kOpen,
  kClose,
  kComma,
  kSemicolon,
  kDot,
  kStar,
  kPlus,
  kMinus,
  kSlash,
  kPercent,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  // Reserved words: not names unless quoted. kAnd is the first, kWith the last.
  kAnd,
  kAs,
  kBetween,
  kCase,
  kCast,
  kCreate,
  kElse,
  kEmit,
  kEndWord,
  kFalse,
  kFrom,
  kFull,
  kGroup,
  kHaving,
  kIn,
  kInner,
  kIs,
  kJoin,
  kLeft,
  kLike,
  kLimit,
  kNot,
  kNull,
  kOr,
  kPartition,
  kRight,
  kSelect,
  kThen,
  kTrue,
  kWhen,
  kWhere,
  kWindow,
  kWith,
  // Other words, which are names too.
  kAdvance,
  kAlter,
  kArray,
  kBigint,
  kBoolean,
  kBounds,
  kBy,
  kBytes,
  kChanges,
  kConnector,
  kDate,
  kDay,
  kDays,
  kDecimalWord,
  kDefine,
  kDescribe,
  kDistinct,
  kDouble,
  kDrop,
  kExists,
  kExplain,
  kFinal,
  kGrace,
  kHopping,
  kHour,
  kHours,
  kIf,
  kInsert,
  kInt,
  kIntegerWord,
  kInto,
  kKey,
  kList,
  kMap,
  kMillisecond,
  kMilliseconds,
  kMinute,
  kMinutes,
  kOn,
  kOuter,
  kPause,
  kPeriod,
  kPrimary,
  kPrint,
  kReplace,
  kResume,
  kRetention,
  kSecond,
  kSeconds,
  kSession,
  kSet,
  kShow,
  kSink,
  kSize,
  kSource,
  kStream,
  kStringWord,
  kStruct,
  kTable,
  kTerminate,
  kTime,
  kTimestamp,
  kTimezone,
  kTumbling,
  kType,
  kUndefine,
  kUnset,
  kValues,
  kVarchar,
  kWithin,
  kCount,  // of terminals
};

/// As messages write it: FROM, ',', a name.
std::string_view name_of(Terminal terminal);

inline bool is_reserved_word(Terminal terminal) {
  return terminal >= Terminal::kAnd && terminal <= Terminal::kWith;
}
inline bool is_word(Terminal terminal) {
  return terminal >= Terminal::kAnd && terminal < Terminal::kCount;
}
/// Can stand where a name is wanted.
inline bool is_name(Terminal terminal) {
  return terminal == Terminal::kName || terminal == Terminal::kQuotedName || terminal > Terminal::kWith;
}

/// The terminal of a word in any case; kName when it is none of ours.
Terminal word_terminal(std::string_view word);

struct Token {
  Terminal terminal = Terminal::kEnd;
  uint32_t offset = 0;
  std::string_view text;  ///< with quotes
};

/// The tokens of a text without blanks and comments, ending with one kEnd. kInvalid with the place of a character that
/// begins no token, or of a quote or comment that is never closed.
Result<std::vector<Token>> tokenize(const SourceText& source);

/// The content of a quoted token: quotes off, doubled quotes single.
std::string unquoted(std::string_view text);

}  // namespace meterstream
