// Purpose: what the grammar recognised, as a tree of spans of tokens. Between grammar.cc and ast_builder.cc only.
// Ownership: a node owns its children.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sql/token.h"

namespace meterstream {

enum class SyntaxKind : uint8_t {
  kScript,
  kCreateStream,
  kCreateTable,
  kCreateSink,
  kSetOption,
  kInsert,
  kInsertRow,
  kInsertQuery,
  kExplain,
  kName,
  kKey,
  kPrimaryKey,
  kColumnDefinition,
  kType,
  kOption,
  kOptionValue,
  kSelectItem,
  kStar,
  kExpressionItem,
  kAlias,
  kSourceName,
  kSourceAlias,
  kJoin,
  kJoinSide,
  kWithin,
  kWindow,
  kSize,
  kAdvance,
  kGap,
  kZone,
  kRetention,
  kGrace,
  kWhere,
  kGroupBy,
  kPartitionBy,
  kHaving,
  kEmit,
  // Expressions
  kDisjunction,
  kConjunction,
  kNegation,
  kPredicate,
  kSum,
  kProduct,
  kSigned,
  kParentheses,
  kLiteral,
  kColumn,
  kCall,
  kCase,
  kWhen,
  kElse,
  kCast,
  // Tails of a predicate
  kComparisonTail,
  kBetweenTail,
  kInTail,
  kLikeTail,
  kNullTail,
};

struct SyntaxNode {
  SyntaxKind kind = SyntaxKind::kScript;
  uint32_t begin = 0;  ///< first token
  uint32_t end = 0;    ///< one past the last token
  std::vector<std::unique_ptr<SyntaxNode>> children;

  // What the parser calls while it builds the tree. Rules that become nodes carry their kind; the input counts tokens.
  template <class Rule, class Input, class... States>
  void start(const Input& in, States&&...) {
    kind = Rule::kKind;
    begin = static_cast<uint32_t>(in.byte());
  }
  template <class Rule, class Input, class... States>
  void success(const Input& in, States&&...) {
    end = static_cast<uint32_t>(in.byte());
  }
  template <class Rule, class... States>
  void failure(States&&...) {}
  template <class... States>
  void emplace_back(std::unique_ptr<SyntaxNode>&& child, States&&...) {
    children.push_back(std::move(child));
  }
};

/// The tokens of a file, ending with one kEnd, and the tree over them. Token texts borrow the file's text.
struct SyntaxTree {
  std::vector<Token> tokens;
  std::unique_ptr<SyntaxNode> root;
};

/// kInvalid with the place and what was expected there.
Result<SyntaxTree> parse_syntax(const SourceText& source);

}  // namespace meterstream
