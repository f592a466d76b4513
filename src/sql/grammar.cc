// A PEGTL grammar over tokens, a byte each (sql/lexer.cc makes them), gives the syntax tree. Errors are reported at the
// furthest token that could not be used.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tao/pegtl.hpp>
#include <tao/pegtl/contrib/parse_tree.hpp>

#include "sql/ast.h"
#include "sql/syntax_tree.h"

namespace meterstream {
namespace {

namespace peg = tao::pegtl;
using T = Terminal;

/// Ends the parse at a token with a message of its own.
struct Refusal {
  uint32_t token;
  std::string message;
};

struct Progress {
  const std::vector<Token>& tokens;
  uint32_t furthest = 0;
  std::vector<std::string_view> expected;  ///< at `furthest`
  std::vector<std::string_view> possible;  ///< at `furthest`: what may follow but need not
  int64_t muted_at = -1;                   ///< expectations at this token are told by a label
  int depth = 0;

  void expect(uint32_t token, std::string_view what, bool is_optional) {
    if (static_cast<int64_t>(token) == muted_at || token < furthest) return;
    if (token > furthest) {
      expected.clear();
      possible.clear();
      furthest = token;
    }
    auto& list = is_optional ? possible : expected;
    if (std::find(list.begin(), list.end(), what) == list.end()) list.push_back(what);
  }
};

template <class Input>
uint32_t index_of(const Input& in) {
  return static_cast<uint32_t>(in.byte());
}

/// Rules of our own look at the token list; the input's bytes only count tokens.
template <class Derived>
struct TokenRule {
 private:
  TokenRule() = default;
  friend Derived;

 public:
  using rule_t = Derived;
  using subs_t = peg::type_list<>;

  template <peg::apply_mode, peg::rewind_mode, template <class...> class, template <class...> class, class Input,
            class... States>
  static bool match(Input& in, Progress& progress, States&&...) {
    if (in.empty() || !Derived::accepts(index_of(in), progress)) return false;
    in.bump(1);
    return true;
  }
};

/// One terminal. Optional ones are offered in messages only when nothing is required.
template <T Wanted, bool IsOptional = false>
struct Is : TokenRule<Is<Wanted, IsOptional>> {
  static bool accepts(uint32_t token, Progress& progress) {
    if (progress.tokens[token].terminal == Wanted) return true;
    progress.expect(token, name_of(Wanted), IsOptional);
    return false;
  }
};
template <T Wanted>
using May = Is<Wanted, true>;

struct AnyName : TokenRule<AnyName> {
  static bool accepts(uint32_t token, Progress& progress) {
    if (is_name(progress.tokens[token].terminal)) return true;
    progress.expect(token, "a name", false);
    return false;
  }
};

/// A name that is not needed, and only taken when a reserved word, ON, WITHIN, a comma or an end follows: otherwise a misspelled
/// keyword would be swallowed as an alias.
struct BareAlias : TokenRule<BareAlias> {
  static bool accepts(uint32_t token, Progress& progress) {
    const T own = progress.tokens[token].terminal;
    if (!is_name(own) || own == T::kOn) return false;
    const T next = progress.tokens[token + 1].terminal;
    return is_reserved_word(next) || next == T::kComma || next == T::kSemicolon || next == T::kEnd || next == T::kOn ||
           next == T::kWithin;
  }
};

/// What ksqlDB has and this product does not run yet.
enum class Feature : uint8_t {
  kReplace,
  kIfNotExists,
  kType,
  kConnector,
  kInsertSelect,
  kDrop,
  kQuery,
  kDescribe,
  kShow,
  kTerminate,
  kPrint,
  kAlter,
  kVariables,
  kUnset,
  kSeveralSources,
  kDistinct,
  kLimit,
  kOtherType,
};
constexpr std::string_view kFeatureNames[] = {"CREATE OR REPLACE",
                                              "IF NOT EXISTS",
                                              "CREATE TYPE",
                                              "CREATE CONNECTOR",
                                              "columns before the SELECT of an INSERT (name its results by AS)",
                                              "DROP",
                                              "a query outside CREATE TABLE",
                                              "DESCRIBE",
                                              "SHOW and LIST",
                                              "TERMINATE, PAUSE and RESUME",
                                              "PRINT",
                                              "ALTER",
                                              "DEFINE and UNDEFINE",
                                              "UNSET",
                                              "more than one source in FROM",
                                              "DISTINCT",
                                              "LIMIT",
                                              "this type (there are BOOLEAN, BIGINT, DOUBLE, VARCHAR and TIMESTAMP)"};

template <T First, Feature What>
struct Refuse : TokenRule<Refuse<First, What>> {
  static bool accepts(uint32_t token, Progress& progress) {
    if (progress.tokens[token].terminal != First) return false;
    throw Refusal{token, fmt::format("not supported yet: {}", kFeatureNames[static_cast<size_t>(What)])};
  }
};

/// Tells a whole rule's beginning as one expectation.
template <class Rule>
struct AnExpression {
  using rule_t = AnExpression;
  using subs_t = peg::type_list<Rule>;
  template <peg::apply_mode A, peg::rewind_mode M, template <class...> class Action, template <class...> class Control,
            class Input, class... States>
  static bool match(Input& in, Progress& progress, States&&... states) {
    const uint32_t token = index_of(in);
    const int64_t before = std::exchange(progress.muted_at, token);
    const bool matched = Control<Rule>::template match<A, M, Action, Control>(in, progress, states...);
    progress.muted_at = before;
    if (!matched) progress.expect(token, "an expression", false);
    return matched;
  }
};

/// Counts levels, so that the grammar's recursion is bounded.
template <class Rule>
struct Nested {
  using rule_t = Nested;
  using subs_t = peg::type_list<Rule>;
  template <peg::apply_mode A, peg::rewind_mode M, template <class...> class Action, template <class...> class Control,
            class Input, class... States>
  static bool match(Input& in, Progress& progress, States&&... states) {
    if (progress.depth == ast::kMaxDepth) {
      throw Refusal{index_of(in), fmt::format("the expression is nested more than {} levels deep", ast::kMaxDepth)};
    }
    ++progress.depth;
    const bool matched = Control<Rule>::template match<A, M, Action, Control>(in, progress, states...);
    --progress.depth;
    return matched;
  }
};

template <class... Rules>
using Seq = peg::seq<Rules...>;
template <class... Rules>
using Or = peg::sor<Rules...>;
template <class... Rules>
using Opt = peg::opt<Rules...>;
template <class... Rules>
using Star = peg::star<Rules...>;
template <class Rule>
using CommaList = Seq<Rule, Star<May<T::kComma>, Rule>>;

/// A rule that becomes a node of the tree.
template <SyntaxKind Kind, class Rule>
struct As : Rule {
  static constexpr SyntaxKind kKind = Kind;
};

struct Name : As<SyntaxKind::kName, AnyName> {};
struct Key : As<SyntaxKind::kKey, May<T::kKey>> {};
struct PrimaryKey : As<SyntaxKind::kPrimaryKey, Seq<May<T::kPrimary>, Is<T::kKey>>> {};

// Expressions, loosest first. A node's operators are the tokens before its children.
struct Disjunction;
struct Whole : AnExpression<Nested<Disjunction>> {};
struct Parentheses : As<SyntaxKind::kParentheses, Seq<Is<T::kOpen>, Whole, Is<T::kClose>>> {};
struct Literal : As<SyntaxKind::kLiteral,
                    Or<Is<T::kString>, Is<T::kInteger>, Is<T::kDecimal>, Is<T::kTrue>, Is<T::kFalse>, Is<T::kNull>>> {};
struct AllColumns : As<SyntaxKind::kStar, Is<T::kStar>> {};
struct Call : As<SyntaxKind::kCall, Seq<Name, May<T::kOpen>, Opt<Refuse<T::kDistinct, Feature::kDistinct>>,
                                        Or<May<T::kClose>, Seq<Or<AllColumns, CommaList<Whole>>, Is<T::kClose>>>>> {};
struct Column : As<SyntaxKind::kColumn, Seq<Name, Opt<May<T::kDot>, Name>>> {};
struct Type : As<SyntaxKind::kType,
                 Or<Is<T::kBoolean>, Is<T::kInt>, Is<T::kIntegerWord>, Is<T::kBigint>, Is<T::kDouble>, Is<T::kVarchar>,
                    Is<T::kStringWord>, Is<T::kTimestamp>, Refuse<T::kArray, Feature::kOtherType>,
                    Refuse<T::kMap, Feature::kOtherType>, Refuse<T::kStruct, Feature::kOtherType>,
                    Refuse<T::kDecimalWord, Feature::kOtherType>, Refuse<T::kBytes, Feature::kOtherType>,
                    Refuse<T::kDate, Feature::kOtherType>, Refuse<T::kTime, Feature::kOtherType>>> {};
struct Cast : As<SyntaxKind::kCast, Seq<Is<T::kCast>, Is<T::kOpen>, Whole, Is<T::kAs>, Type, Is<T::kClose>>> {};
struct When : As<SyntaxKind::kWhen, Seq<Is<T::kWhen>, Whole, Is<T::kThen>, Whole>> {};
struct Else : As<SyntaxKind::kElse, Seq<May<T::kElse>, Whole>> {};
struct Case
    : As<SyntaxKind::kCase,
         Seq<Is<T::kCase>, Opt<peg::not_at<May<T::kWhen>>, Whole>, peg::plus<When>, Opt<Else>, Is<T::kEndWord>>> {};
struct Primary : AnExpression<Or<Parentheses, Literal, Case, Cast, Call, Column>> {};
struct Signed : As<SyntaxKind::kSigned, Seq<Star<Or<May<T::kMinus>, May<T::kPlus>>>, Primary>> {};
struct Product
    : As<SyntaxKind::kProduct, Seq<Signed, Star<Or<May<T::kStar>, May<T::kSlash>, May<T::kPercent>>, Signed>>> {};
struct Sum : As<SyntaxKind::kSum, Seq<Product, Star<Or<May<T::kPlus>, May<T::kMinus>>, Product>>> {};
struct ComparisonTail
    : As<SyntaxKind::kComparisonTail, Seq<Or<May<T::kEqual>, May<T::kNotEqual>, May<T::kLess>, May<T::kLessOrEqual>,
                                             May<T::kGreater>, May<T::kGreaterOrEqual>>,
                                          Sum>> {};
struct NullTail : As<SyntaxKind::kNullTail, Seq<May<T::kIs>, Opt<May<T::kNot>>, Is<T::kNull>>> {};
struct BetweenTail : As<SyntaxKind::kBetweenTail, Seq<Opt<May<T::kNot>>, May<T::kBetween>, Sum, Is<T::kAnd>, Sum>> {};
struct InTail
    : As<SyntaxKind::kInTail, Seq<Opt<May<T::kNot>>, May<T::kIn>, Is<T::kOpen>, CommaList<Whole>, Is<T::kClose>>> {};
struct LikeTail : As<SyntaxKind::kLikeTail, Seq<Opt<May<T::kNot>>, May<T::kLike>, Sum>> {};
struct Predicate
    : As<SyntaxKind::kPredicate, Seq<Sum, Opt<Or<ComparisonTail, NullTail, BetweenTail, InTail, LikeTail>>>> {};
struct Negation : As<SyntaxKind::kNegation, Seq<Star<May<T::kNot>>, Predicate>> {};
struct Conjunction : As<SyntaxKind::kConjunction, Seq<Negation, Star<May<T::kAnd>, Negation>>> {};
struct Disjunction : As<SyntaxKind::kDisjunction, Seq<Conjunction, Star<May<T::kOr>, Conjunction>>> {};

// Statements
struct OptionValue
    : As<SyntaxKind::kOptionValue, Or<Is<T::kString>, Seq<Opt<May<T::kMinus>>, Or<Is<T::kInteger>, Is<T::kDecimal>>>,
                                      Is<T::kTrue>, Is<T::kFalse>>> {};
struct Option : As<SyntaxKind::kOption, Seq<Name, Is<T::kEqual>, OptionValue>> {};
struct WithOptions : Seq<Is<T::kOpen>, CommaList<Option>, Is<T::kClose>> {};
struct ColumnDefinition : As<SyntaxKind::kColumnDefinition, Seq<Name, Type, Opt<Or<Key, PrimaryKey>>>> {};
struct IfNotExists : Opt<Refuse<T::kIf, Feature::kIfNotExists>> {};

struct Alias : As<SyntaxKind::kAlias, Or<Seq<May<T::kAs>, Name>, BareAlias>> {};
struct ExpressionItem : As<SyntaxKind::kExpressionItem, Seq<Whole, Opt<Alias>>> {};
struct SelectItem : As<SyntaxKind::kSelectItem, Or<AllColumns, ExpressionItem>> {};
struct SourceName : As<SyntaxKind::kSourceName, AnyName> {};
struct SourceAlias : As<SyntaxKind::kSourceAlias, Or<Seq<May<T::kAs>, Name>, BareAlias>> {};
struct Unit : Or<Is<T::kSeconds>, Is<T::kMinutes>, Is<T::kHours>, Is<T::kDays>, Is<T::kMilliseconds>, May<T::kSecond>,
                 May<T::kMinute>, May<T::kHour>, May<T::kDay>, May<T::kMillisecond>> {};
struct Length : Seq<Opt<May<T::kMinus>>, Is<T::kInteger>, Unit> {};
struct Size : As<SyntaxKind::kSize, Seq<Is<T::kSize>, Length>> {};
struct Advance : As<SyntaxKind::kAdvance, Seq<Is<T::kAdvance>, Is<T::kBy>, Length>> {};
struct Retention : As<SyntaxKind::kRetention, Seq<May<T::kRetention>, Length>> {};
struct Grace : As<SyntaxKind::kGrace, Seq<May<T::kGrace>, Is<T::kPeriod>, Length>> {};
struct JoinSide : As<SyntaxKind::kJoinSide,
                     Or<May<T::kInner>, Seq<Or<May<T::kLeft>, May<T::kRight>, May<T::kFull>>, Opt<May<T::kOuter>>>>> {};
struct Reach : As<SyntaxKind::kSize, Length> {};
struct Within
    : As<SyntaxKind::kWithin,
         Seq<May<T::kWithin>, Or<Seq<May<T::kOpen>, Reach, Is<T::kComma>, Reach, Is<T::kClose>>, Reach>, Opt<Grace>>> {
};
struct Join : As<SyntaxKind::kJoin,
                 Seq<Opt<JoinSide>, May<T::kJoin>, SourceName, Opt<SourceAlias>, Opt<Within>, Is<T::kOn>, Whole>> {};
struct Joins : Seq<Star<Join>, Opt<Refuse<T::kComma, Feature::kSeveralSources>>> {};
struct WindowEnd : Seq<Opt<May<T::kComma>, Retention>, Opt<May<T::kComma>, Grace>, Is<T::kClose>> {};
struct Zone : As<SyntaxKind::kZone, Seq<May<T::kTimezone>, Is<T::kString>>> {};
struct Tumbling : Seq<Is<T::kTumbling>, Is<T::kOpen>, Size, Opt<Opt<May<T::kComma>>, Zone>, WindowEnd> {};
struct Hopping : Seq<Is<T::kHopping>, Is<T::kOpen>, Size, Is<T::kComma>, Advance, WindowEnd> {};
struct Gap : As<SyntaxKind::kGap, Length> {};
struct Session : Seq<Is<T::kSession>, Is<T::kOpen>, Gap, WindowEnd> {};
struct Window : As<SyntaxKind::kWindow, Seq<May<T::kWindow>, Or<Tumbling, Hopping, Session>>> {};
struct Where : As<SyntaxKind::kWhere, Seq<May<T::kWhere>, Whole>> {};
struct GroupBy : As<SyntaxKind::kGroupBy, Seq<May<T::kGroup>, Is<T::kBy>, CommaList<Whole>>> {};
struct PartitionBy : As<SyntaxKind::kPartitionBy, Seq<May<T::kPartition>, Is<T::kBy>, Whole>> {};
struct Having : As<SyntaxKind::kHaving, Seq<May<T::kHaving>, Whole>> {};
struct Emit : As<SyntaxKind::kEmit, Seq<May<T::kEmit>, Or<Is<T::kFinal>, Is<T::kChanges>, Is<T::kBounds>>>> {};
struct Select : Seq<Is<T::kSelect>, Opt<Refuse<T::kDistinct, Feature::kDistinct>>, CommaList<SelectItem>, Is<T::kFrom>,
                    SourceName, Opt<SourceAlias>, Joins, Opt<Or<Seq<Window, Opt<Where>>, Seq<Where, Opt<Window>>>>,
                    Opt<GroupBy>, Opt<PartitionBy>, Opt<Having>, Opt<Emit>, Opt<Refuse<T::kLimit, Feature::kLimit>>> {};
struct CreateStream
    : As<SyntaxKind::kCreateStream,
         Seq<Is<T::kStream>, IfNotExists, Name, Opt<May<T::kOpen>, CommaList<ColumnDefinition>, Is<T::kClose>>,
             Opt<May<T::kWith>, WithOptions>, Opt<May<T::kAs>, Select>>> {};
struct CreateTable
    : As<SyntaxKind::kCreateTable,
         Seq<Is<T::kTable>, IfNotExists, Name, Opt<May<T::kOpen>, CommaList<ColumnDefinition>, Is<T::kClose>>,
             Opt<May<T::kWith>, WithOptions>, Opt<May<T::kAs>, Select>>> {};

struct CreateSink : As<SyntaxKind::kCreateSink, Seq<Is<T::kSink>, Name, Is<T::kWith>, WithOptions>> {};
struct InsertRow : As<SyntaxKind::kInsertRow, Seq<Is<T::kOpen>, CommaList<Whole>, Is<T::kClose>>> {};
struct Insert
    : As<SyntaxKind::kInsert,
         Seq<Is<T::kInsert>, Is<T::kInto>, SourceName,
             Opt<May<T::kOpen>, CommaList<Name>, Is<T::kClose>, Opt<Refuse<T::kSelect, Feature::kInsertSelect>>>,
             Is<T::kValues>, CommaList<InsertRow>>> {};
struct InsertQuery : As<SyntaxKind::kInsertQuery, Seq<Is<T::kInsert>, Is<T::kInto>, SourceName, Select>> {};
struct Explain : As<SyntaxKind::kExplain, Seq<Is<T::kExplain>, Name>> {};
struct SetOption : As<SyntaxKind::kSetOption, Seq<Is<T::kSet>, Is<T::kString>, Is<T::kEqual>, Is<T::kString>>> {};
struct Create
    : Seq<Is<T::kCreate>, Or<CreateStream, CreateTable, CreateSink, Seq<May<T::kSource>, Or<CreateStream, CreateTable>>,
                             Refuse<T::kOr, Feature::kReplace>, Refuse<T::kType, Feature::kType>,
                             Refuse<T::kConnector, Feature::kConnector>>> {};
struct Other
    : Or<Refuse<T::kDrop, Feature::kDrop>, Refuse<T::kSelect, Feature::kQuery>,
         Refuse<T::kDescribe, Feature::kDescribe>, Refuse<T::kShow, Feature::kShow>, Refuse<T::kList, Feature::kShow>,
         Refuse<T::kTerminate, Feature::kTerminate>, Refuse<T::kPause, Feature::kTerminate>,
         Refuse<T::kResume, Feature::kTerminate>, Refuse<T::kPrint, Feature::kPrint>,
         Refuse<T::kAlter, Feature::kAlter>, Refuse<T::kDefine, Feature::kVariables>,
         Refuse<T::kUndefine, Feature::kVariables>, Refuse<T::kUnset, Feature::kUnset>> {};
struct Statement : Or<Create, Insert, InsertQuery, Explain, SetOption, Other> {};
struct Script : Seq<Star<May<T::kSemicolon>>, Star<Statement, Or<peg::plus<Is<T::kSemicolon>>, peg::at<May<T::kEnd>>>>,
                    May<T::kEnd>> {};

// ---- The tree

template <class Rule>
    struct Selected : std::bool_constant < requires {
  Rule::kKind;
}>{/// A level of precedence without an operator of its own is left out.
   template <class... States> static void transform(std::unique_ptr<SyntaxNode> & node, States&&...){
       if (node->kind < SyntaxKind::kDisjunction || node->kind > SyntaxKind::kSigned) return;
if (node->children.size() != 1) return;
std::unique_ptr<SyntaxNode>& child = node->children.front();
if (child->begin != node->begin || child->end != node->end) return;
std::unique_ptr<SyntaxNode> only = std::move(child);
node = std::move(only);
}  // namespace
};  // namespace meterstream

Error unexpected_token(const SourceText& source, const Progress& progress) {
  const Token& found = progress.tokens[progress.furthest];
  const std::vector<std::string_view>& expected = progress.expected.empty() ? progress.possible : progress.expected;
  if (is_name(found.terminal) && found.terminal != T::kQuotedName) {
    std::vector<std::string_view> keywords = progress.expected;
    keywords.insert(keywords.end(), progress.possible.begin(), progress.possible.end());
    std::erase_if(keywords, [](std::string_view what) { return what[0] < 'A' || what[0] > 'Z'; });
    const std::string misspelled = nearest_name(found.text, keywords);
    if (!misspelled.empty()) {
      return source.error_at(found.offset, fmt::format("expected {}, found {}", misspelled, shown(found.text)));
    }
  }
  std::string list;
  for (size_t i = 0; i < expected.size(); ++i) {
    list += i == 0 ? "" : i + 1 == expected.size() ? " or " : ", ";
    list += expected[i];
  }
  const bool is_quoted = found.terminal == T::kString || found.terminal == T::kQuotedName;
  const std::string what = found.terminal == T::kEnd              ? std::string(name_of(T::kEnd))
                           : is_quoted && found.text.size() <= 40 ? std::string(found.text)
                                                                  : shown(found.text);
  const bool wants_name = std::find(expected.begin(), expected.end(), name_of(T::kName)) != expected.end();
  return source.error_at(found.offset, fmt::format("expected {}, found {}{}", list, what,
                                                   wants_name && is_reserved_word(found.terminal)
                                                       ? " (a reserved word; quote it to use it as a name)"
                                                       : ""));
}

}  // namespace

Result<SyntaxTree> parse_syntax(const SourceText& source) {
  constexpr size_t kLongestText = size_t{64} << 20;
  if (source.text().size() > kLongestText) return source.error_at(0, "the file is larger than 64 MiB");
  SyntaxTree tree;
  ASSIGN_OR_RETURN(tree.tokens, tokenize(source));
  Progress progress{tree.tokens, 0, {}, {}, -1, 0};
  const std::string counted(tree.tokens.size(), ' ');  // the grammar's input: a byte a token
  peg::memory_input<peg::tracking_mode::lazy> input(counted.data(), counted.data() + counted.size(), "");
  try {
    tree.root = peg::parse_tree::parse<Script, SyntaxNode, Selected>(input, progress);
  } catch (const Refusal& refusal) {
    return source.error_at(tree.tokens[refusal.token].offset, refusal.message);
  }
  if (tree.root == nullptr) return unexpected_token(source, progress);
  return tree;
}

}  // namespace meterstream
