#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "sql/parser.h"
#include "sql/syntax_tree.h"
#include "sql/token_meaning.h"

namespace meterstream {
namespace {

using Kind = SyntaxKind;

/// Walks the syntax tree. The grammar has checked the shape, so only lengths and depths can be wrong.
class AstBuilder {
 public:
  AstBuilder(const SourceText& source, const SyntaxTree& tree) : source_(source), tokens_(tree.tokens) {}

  Result<ast::Script> script(const SyntaxNode& root) {
    ast::Script script;
    for (const auto& child : root.children) {
      ASSIGN_OR_RETURN(ast::Statement made, statement(*child));
      script.statements.push_back(std::move(made));
    }
    return script;
  }

 private:
  [[nodiscard]] const Token& token(uint32_t index) const { return tokens_[index]; }
  [[nodiscard]] ast::Position position(uint32_t index) const { return {tokens_[index].offset}; }

  [[nodiscard]] ast::Identifier identifier(uint32_t index) const {
    const Token& word = token(index);
    if (word.terminal == Terminal::kQuotedName) return {unquoted(word.text), true, {word.offset}};
    return {std::string(word.text), false, {word.offset}};
  }

  Result<ast::Statement> statement(const SyntaxNode& node) {
    switch (node.kind) {
      case Kind::kCreateStream:
      case Kind::kCreateTable:
        return create_stream(node);
      case Kind::kCreateSink:
        return create_sink(node);
      case Kind::kInsert:
        return insert_values(node);
      case Kind::kInsertQuery:
        return insert_query(node);
      case Kind::kExplain:
        return ast::Explain{identifier(node.end - 1)};
      case Kind::kSetOption:
        return ast::SetOption{unquoted(token(node.begin + 1).text), unquoted(token(node.begin + 3).text),
                              position(node.begin + 1), position(node.begin + 3)};
      default:
        break;
    }
    CHECK_MESSAGE(false, "not a statement");
    return invalid("");
  }

  Result<ast::Statement> create_stream(const SyntaxNode& node) {
    const auto has = [&](Kind kind) {
      return std::ranges::any_of(node.children, [kind](const auto& child) { return child->kind == kind; });
    };
    const bool is_source = token(node.begin - 1).terminal == Terminal::kSource;
    if (has(Kind::kSelectItem)) {
      if (is_source) {
        return source_.error_at(token(node.begin - 1).offset,
                                "a SOURCE is only read, so that it is not computed AS SELECT; leave SOURCE out");
      }
      if (has(Kind::kColumnDefinition))
        return source_.error_at(token(node.begin).offset,
                                "columns AS SELECT are those of the SELECT; leave the list out");
      ASSIGN_OR_RETURN(ast::CreateTable table, create_table(node));
      return table;
    }
    ast::CreateStream stream;
    stream.is_table = node.kind == Kind::kCreateTable;
    stream.is_source = is_source;
    for (const auto& child : node.children) {
      if (child->kind == Kind::kName) stream.name = identifier(child->begin);
      if (child->kind == Kind::kColumnDefinition) stream.columns.push_back(column_definition(*child));
      if (child->kind == Kind::kOption) stream.options.push_back(option(*child));
    }
    return stream;
  }

  Result<ast::Statement> create_sink(const SyntaxNode& node) {
    ast::CreateSink sink;
    for (const auto& child : node.children) {
      if (child->kind == Kind::kName) sink.name = identifier(child->begin);
      if (child->kind == Kind::kOption) sink.options.push_back(option(*child));
    }
    return sink;
  }

  [[nodiscard]] ast::ColumnDefinition column_definition(const SyntaxNode& node) const {
    ast::ColumnDefinition column;
    column.position = position(node.begin);
    column.name = identifier(node.begin);
    column.type = column_type(token(node.children[1]->begin).terminal);
    column.key = node.children.size() > 2 && node.children[2]->kind == Kind::kKey;
    column.primary_key = node.children.size() > 2 && node.children[2]->kind == Kind::kPrimaryKey;
    return column;
  }

  [[nodiscard]] ast::Option option(const SyntaxNode& node) const {
    ast::Option made;
    made.name = identifier(node.begin);
    const SyntaxNode& value = *node.children.back();
    made.value_position = position(value.begin);
    const Token& first = token(value.begin);
    if (first.terminal == Terminal::kString) {
      made.value = unquoted(first.text);
    } else if (first.terminal == Terminal::kTrue || first.terminal == Terminal::kFalse) {
      made.kind = ast::Option::Kind::kBoolean;
      made.value = first.terminal == Terminal::kTrue ? "TRUE" : "FALSE";
    } else {
      made.kind = ast::Option::Kind::kNumber;
      for (uint32_t index = value.begin; index < value.end; ++index) made.value += token(index).text;
    }
    return made;
  }

  Result<ast::Statement> insert_query(const SyntaxNode& node) {
    // The target is the first name of a source, that of FROM the last one.
    ASSIGN_OR_RETURN(ast::CreateTable select, create_table(node));
    select.name = identifier(node.children.front()->begin);
    select.is_stream = true;
    return ast::InsertQuery{std::move(select)};
  }

  Result<ast::CreateTable> create_table(const SyntaxNode& node) {
    ast::CreateTable table;
    table.is_stream = node.kind == Kind::kCreateStream;
    for (const auto& child : node.children) {
      switch (child->kind) {
        case Kind::kName:
          table.name = identifier(child->begin);
          break;
        case Kind::kOption:
          table.options.push_back(option(*child));
          break;
        case Kind::kSelectItem: {
          ASSIGN_OR_RETURN(ast::SelectItem item, select_item(*child));
          if (table.items.empty()) table.select_position = item.position;
          table.items.push_back(std::move(item));
          break;
        }
        case Kind::kSourceName:
          table.source = identifier(child->begin);
          break;
        case Kind::kSourceAlias:
          table.source_alias = identifier(child->end - 1);
          break;
        case Kind::kJoin: {
          ASSIGN_OR_RETURN(ast::Join made, join(*child));
          table.joins.push_back(std::move(made));
          break;
        }
        case Kind::kWindow: {
          ASSIGN_OR_RETURN(table.window, window(*child));
          break;
        }
        case Kind::kWhere: {
          ASSIGN_OR_RETURN(table.where, expression(*child->children[0]));
          break;
        }
        case Kind::kGroupBy:
          for (const auto& group : child->children) {
            ASSIGN_OR_RETURN(ast::Expression column, expression(*group));
            table.group_by.push_back(std::move(column));
          }
          break;
        case Kind::kPartitionBy: {
          ASSIGN_OR_RETURN(table.partition_by, expression(*child->children[0]));
          break;
        }
        case Kind::kHaving: {
          ASSIGN_OR_RETURN(table.having, expression(*child->children[0]));
          break;
        }
        case Kind::kEmit:
          table.emit = emit(token(child->end - 1).terminal);
          break;
        default:
          CHECK_MESSAGE(false, "not a part of CREATE TABLE");
      }
    }
    return table;
  }

  static ast::Emit emit(Terminal word) {
    if (word == Terminal::kBounds) return ast::Emit::kBounds;
    return word == Terminal::kFinal ? ast::Emit::kFinal : ast::Emit::kChanges;
  }

  Result<ast::Join> join(const SyntaxNode& node) {
    ast::Join made;
    made.position = position(node.begin);
    for (const auto& child : node.children) {
      switch (child->kind) {
        case Kind::kJoinSide:
          if (token(child->begin).terminal == Terminal::kLeft) made.kind = ast::Join::Kind::kLeft;
          if (token(child->begin).terminal == Terminal::kRight) made.kind = ast::Join::Kind::kRight;
          if (token(child->begin).terminal == Terminal::kFull) made.kind = ast::Join::Kind::kFull;
          break;
        case Kind::kWithin: {
          ASSIGN_OR_RETURN(made.within, within(*child));
          break;
        }
        case Kind::kSourceName:
          made.source = identifier(child->begin);
          break;
        case Kind::kSourceAlias:
          made.alias = identifier(child->end - 1);
          break;
        default:
          ASSIGN_OR_RETURN(made.condition, expression(*child));
      }
    }
    return made;
  }

  Result<ast::Statement> insert_values(const SyntaxNode& node) {
    ast::InsertValues insert;
    insert.position = position(node.begin);
    for (const auto& child : node.children) {
      if (child->kind == Kind::kSourceName) insert.target = identifier(child->begin);
      if (child->kind == Kind::kName) insert.columns.push_back(identifier(child->begin));
      if (child->kind != Kind::kInsertRow) continue;
      std::vector<ast::Expression>& row = insert.rows.emplace_back();
      for (const auto& value : child->children) {
        ASSIGN_OR_RETURN(ast::Expression made, expression(*value));
        row.push_back(std::move(made));
      }
    }
    return insert;
  }

  Result<ast::SelectItem> select_item(const SyntaxNode& node) {
    ast::SelectItem item;
    item.position = position(node.begin);
    const SyntaxNode& content = *node.children[0];
    if (content.kind == Kind::kStar) {
      item.star = true;
      return item;
    }
    ASSIGN_OR_RETURN(item.expression, expression(*content.children[0]));
    if (content.children.size() > 1) item.alias = identifier(content.children[1]->end - 1);
    return item;
  }

  /// The length at the end of a node.
  Result<ast::TimeLength> time_length(const SyntaxNode& node) {
    ast::TimeLength length;
    const Token& count = token(node.end - 2);
    const bool negative = token(node.end - 3).terminal == Terminal::kMinus;
    length.position = position(negative ? node.end - 3 : node.end - 2);
    length.unit = time_unit(token(node.end - 1).terminal);
    const auto [end, error] = std::from_chars(count.text.data(), count.text.data() + count.text.size(), length.count);
    if (error != std::errc()) return source_.error_at(count.offset, "this length of time is too large");
    if (negative) length.count = -length.count;
    return length;
  }

  Result<ast::Within> within(const SyntaxNode& node) {
    ast::Within made;
    made.position = position(node.begin);
    for (const auto& child : node.children) {
      ASSIGN_OR_RETURN(const ast::TimeLength length, time_length(*child));
      const bool is_first = child == node.children.front();
      if (is_first) made.before = length;
      if (!is_first && child->kind == Kind::kSize) made.after = length;
      if (child->kind == Kind::kGrace) made.grace = length;
    }
    return made;
  }

  Result<ast::Window> window(const SyntaxNode& node) {
    ast::Window made;
    made.position = position(node.begin);
    for (const auto& child : node.children) {
      if (child->kind == Kind::kZone) {
        made.zone = ast::TimeZone{unquoted(token(child->end - 1).text), position(child->end - 1)};
        continue;
      }
      ASSIGN_OR_RETURN(const ast::TimeLength length, time_length(*child));
      if (child->kind == Kind::kSize) made.size = length;
      if (child->kind == Kind::kGap) {
        made.kind = ast::Window::Kind::kSession;
        made.size = length;
      }
      if (child->kind == Kind::kAdvance) {
        made.kind = ast::Window::Kind::kHopping;
        made.advance = length;
      }
      if (child->kind == Kind::kRetention) made.retention = length;
      if (child->kind == Kind::kGrace) made.grace = length;
    }
    return made;
  }

  /// Takes `child` as the last child of `parent`.
  Status adopt(ast::Expression& parent, ast::Expression child) {
    parent.depth = std::max<uint16_t>(parent.depth, child.depth + 1);
    const uint32_t offset = child.position.offset;
    parent.children.push_back(std::move(child));
    if (parent.depth <= ast::kMaxDepth) return {};
    return source_.error_at(offset, fmt::format("the expression is nested more than {} levels deep", ast::kMaxDepth));
  }

  ast::Expression make(ast::Expression::Kind kind, uint32_t index, std::string text = {}) {
    ast::Expression made;
    made.kind = kind;
    made.position = position(index);
    made.text = std::move(text);
    return made;
  }

  Status adopt_all(ast::Expression& parent, const SyntaxNode& node) {
    for (const auto& child : node.children) {
      ASSIGN_OR_RETURN(ast::Expression made, expression(*child));
      RETURN_IF_ERROR(adopt(parent, std::move(made)));
    }
    return {};
  }

  Result<ast::Expression> with_children(ast::Expression parent, const SyntaxNode& node) {
    RETURN_IF_ERROR(adopt_all(parent, node));
    return parent;
  }

  Result<ast::Expression> expression(const SyntaxNode& node) {
    using Made = ast::Expression::Kind;
    switch (node.kind) {
      case Kind::kDisjunction:
        return with_children(make(Made::kOr, node.begin), node);
      case Kind::kConjunction:
        return with_children(make(Made::kAnd, node.begin), node);
      case Kind::kNegation:
        return prefixed(node, Made::kNot);
      case Kind::kSigned:
        return prefixed(node, Made::kNegate);
      case Kind::kPredicate:
        return predicate(node);
      case Kind::kSum:
      case Kind::kProduct:
        return chain(node);
      case Kind::kParentheses:
        return expression(*node.children[0]);
      case Kind::kLiteral:
        return literal(node.begin);
      case Kind::kColumn: {
        ast::Expression column = make(Made::kColumn, node.begin);
        column.name = identifier(node.children.back()->begin);
        if (node.children.size() > 1) column.qualifier = identifier(node.begin);
        return column;
      }
      case Kind::kCall:
        return call(node);
      case Kind::kCase:
        return case_of(node);
      case Kind::kCast: {
        ast::Expression cast = make(Made::kCast, node.begin);
        cast.type = column_type(token(node.children[1]->begin).terminal);
        ASSIGN_OR_RETURN(ast::Expression value, expression(*node.children[0]));
        RETURN_IF_ERROR(adopt(cast, std::move(value)));
        return cast;
      }
      default:
        break;
    }
    CHECK_MESSAGE(false, "not an expression");
    return invalid("");
  }

  /// NOT and signs: all of them stand before the only child. A plus changes nothing.
  Result<ast::Expression> prefixed(const SyntaxNode& node, ast::Expression::Kind kind) {
    ASSIGN_OR_RETURN(ast::Expression made, expression(*node.children[0]));
    for (uint32_t index = node.children[0]->begin; index-- > node.begin;) {
      if (token(index).terminal == Terminal::kPlus) continue;
      ast::Expression outer = make(kind, index);
      RETURN_IF_ERROR(adopt(outer, std::move(made)));
      made = std::move(outer);
    }
    return made;
  }

  /// + - and * / % from left to right.
  Result<ast::Expression> chain(const SyntaxNode& node) {
    ASSIGN_OR_RETURN(ast::Expression left, expression(*node.children[0]));
    for (size_t i = 1; i < node.children.size(); ++i) {
      const uint32_t index = node.children[i]->begin - 1;
      ast::Expression outer = make(ast::Expression::Kind::kArithmetic, index, std::string(token(index).text));
      RETURN_IF_ERROR(adopt(outer, std::move(left)));
      ASSIGN_OR_RETURN(ast::Expression right, expression(*node.children[i]));
      RETURN_IF_ERROR(adopt(outer, std::move(right)));
      left = std::move(outer);
    }
    return left;
  }

  Result<ast::Expression> predicate(const SyntaxNode& node) {
    using Made = ast::Expression::Kind;
    ASSIGN_OR_RETURN(ast::Expression value, expression(*node.children[0]));
    const SyntaxNode& tail = *node.children[1];
    ast::Expression made = make(Made::kComparison, tail.begin);
    switch (tail.kind) {
      case Kind::kComparisonTail: {
        const std::string_view symbol = token(tail.begin).text;
        made.text = symbol == "!=" ? "<>" : std::string(symbol);
        break;
      }
      case Kind::kNullTail:
        made.kind = Made::kIsNull;
        break;
      case Kind::kBetweenTail:
        made.kind = Made::kBetween;
        break;
      case Kind::kInTail:
        made.kind = Made::kIn;
        break;
      case Kind::kLikeTail:
        made.kind = Made::kLike;
        break;
      default:
        CHECK_MESSAGE(false, "not a predicate");
    }
    // NOT stands first, but for IS NOT NULL.
    const uint32_t not_at = tail.kind == Kind::kNullTail ? tail.begin + 1 : tail.begin;
    made.negated = token(not_at).terminal == Terminal::kNot;
    RETURN_IF_ERROR(adopt(made, std::move(value)));
    return with_children(std::move(made), tail);
  }

  Result<ast::Expression> literal(uint32_t index) {
    using Made = ast::Expression::Kind;
    const Token& word = token(index);
    switch (word.terminal) {
      case Terminal::kString:
        return make(Made::kString, index, unquoted(word.text));
      case Terminal::kInteger:
        return make(Made::kInteger, index, std::string(word.text));
      case Terminal::kDecimal:
        return make(Made::kDecimal, index, std::string(word.text));
      case Terminal::kTrue:
        return make(Made::kBoolean, index, "TRUE");
      case Terminal::kFalse:
        return make(Made::kBoolean, index, "FALSE");
      default:
        return make(Made::kNull, index);
    }
  }

  Result<ast::Expression> call(const SyntaxNode& node) {
    ast::Expression made = make(ast::Expression::Kind::kCall, node.begin);
    made.name = identifier(node.begin);
    for (size_t i = 1; i < node.children.size(); ++i) {
      if (node.children[i]->kind == Kind::kStar) {
        made.star = true;
        continue;
      }
      ASSIGN_OR_RETURN(ast::Expression argument, expression(*node.children[i]));
      RETURN_IF_ERROR(adopt(made, std::move(argument)));
    }
    return made;
  }

  Result<ast::Expression> case_of(const SyntaxNode& node) {
    ast::Expression made = make(ast::Expression::Kind::kSearchedCase, node.begin);
    for (const auto& child : node.children) {
      if (child->kind == Kind::kWhen || child->kind == Kind::kElse) {
        made.has_else = child->kind == Kind::kElse;
        RETURN_IF_ERROR(adopt_all(made, *child));
        continue;
      }
      made.kind = ast::Expression::Kind::kSimpleCase;
      ASSIGN_OR_RETURN(ast::Expression operand, expression(*child));
      RETURN_IF_ERROR(adopt(made, std::move(operand)));
    }
    return made;
  }

  const SourceText& source_;
  const std::vector<Token>& tokens_;
};

}  // namespace

Result<ast::Script> parse_sql(const SourceText& source) {
  ASSIGN_OR_RETURN(const SyntaxTree tree, parse_syntax(source));
  return AstBuilder(source, tree).script(*tree.root);
}

}  // namespace meterstream
