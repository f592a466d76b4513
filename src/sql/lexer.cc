// A PEGTL grammar over characters gives the tokens.
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tao/pegtl.hpp>

#include "sql/token.h"

namespace meterstream {
namespace {

namespace peg = tao::pegtl;
using T = Terminal;

struct LineComment : peg::seq<peg::string<'-', '-'>, peg::until<peg::eolf>> {};
struct BlockComment : peg::seq<peg::string<'/', '*'>, peg::until<peg::string<'*', '/'>>> {};
template <char Quote>
struct Quoted
    : peg::seq<peg::one<Quote>, peg::star<peg::sor<peg::string<Quote, Quote>, peg::not_one<Quote>>>, peg::one<Quote>> {
};
struct StringToken : Quoted<'\''> {};
struct QuotedNameToken : peg::sor<Quoted<'"'>, Quoted<'`'>> {};
struct WordToken : peg::identifier {};
struct Exponent : peg::seq<peg::one<'e', 'E'>, peg::opt<peg::one<'+', '-'>>, peg::plus<peg::digit>> {};
struct DecimalToken
    : peg::seq<peg::sor<peg::seq<peg::plus<peg::digit>, peg::one<'.'>, peg::star<peg::digit>, peg::opt<Exponent>>,
                        peg::seq<peg::one<'.'>, peg::plus<peg::digit>, peg::opt<Exponent>>,
                        peg::seq<peg::plus<peg::digit>, Exponent>>,
               peg::not_at<peg::identifier_other>> {};
struct IntegerToken : peg::seq<peg::plus<peg::digit>, peg::not_at<peg::identifier_other>> {};
struct SymbolToken
    : peg::seq<peg::not_at<peg::string<'/', '*'>>,
               peg::sor<peg::string<'<', '>'>, peg::string<'!', '='>, peg::string<'<', '='>, peg::string<'>', '='>,
                        peg::one<'(', ')', ',', ';', '.', '*', '+', '-', '/', '%', '=', '<', '>'>>> {};
struct ByteOrderMark : peg::string<'\xef', '\xbb', '\xbf'> {};
struct Characters : peg::seq<peg::opt<ByteOrderMark>,
                             peg::star<peg::sor<peg::plus<peg::space>, LineComment, BlockComment, StringToken,
                                                QuotedNameToken, WordToken, DecimalToken, IntegerToken, SymbolToken>>> {
};

T symbol_terminal(std::string_view symbol) {
  if (symbol == "<>" || symbol == "!=") return T::kNotEqual;
  if (symbol == "<=") return T::kLessOrEqual;
  if (symbol == ">=") return T::kGreaterOrEqual;
  constexpr std::string_view kSymbols = "(),;.*+-/%=<>";
  constexpr T kTerminals[] = {T::kOpen,  T::kClose, T::kComma,   T::kSemicolon, T::kDot,  T::kStar,   T::kPlus,
                              T::kMinus, T::kSlash, T::kPercent, T::kEqual,     T::kLess, T::kGreater};
  return kTerminals[kSymbols.find(symbol[0])];
}

struct Tokens {
  const char* text = nullptr;
  std::vector<Token> list;

  template <class Input>
  void add(T terminal, const Input& in) {
    list.push_back({terminal, static_cast<uint32_t>(in.begin() - text), {in.begin(), in.size()}});
  }
};

template <class Rule>
struct TokenAction : peg::nothing<Rule> {};
template <T Kind>
struct AddToken {
  template <class Input>
  static void apply(const Input& in, Tokens& tokens) {
    tokens.add(Kind, in);
  }
};
template <>
struct TokenAction<StringToken> : AddToken<T::kString> {};
template <>
struct TokenAction<QuotedNameToken> : AddToken<T::kQuotedName> {};
template <>
struct TokenAction<DecimalToken> : AddToken<T::kDecimal> {};
template <>
struct TokenAction<IntegerToken> : AddToken<T::kInteger> {};
template <>
struct TokenAction<WordToken> {
  template <class Input>
  static void apply(const Input& in, Tokens& tokens) {
    tokens.add(word_terminal({in.begin(), in.size()}), in);
  }
};
template <>
struct TokenAction<SymbolToken> {
  template <class Input>
  static void apply(const Input& in, Tokens& tokens) {
    tokens.add(symbol_terminal({in.begin(), in.size()}), in);
  }
};

Error lexical_error(const SourceText& source, size_t offset) {
  const std::string_view rest = source.text().substr(offset);
  if (rest[0] == '\'')
    return source.error_at(offset, "this string has no closing ' (a ' inside a string is written '')");
  if (rest[0] == '"' || rest[0] == '`') return source.error_at(offset, "this quoted name has no closing quote");
  if (rest.starts_with("/*")) return source.error_at(offset, "this comment has no closing */");
  if (rest[0] >= '0' && rest[0] <= '9') {
    return source.error_at(offset,
                           "a number ends before a letter: put a space after it, or quote a name that starts so");
  }
  size_t length = 1;
  while (length < rest.size() && (static_cast<uint8_t>(rest[length]) & 0xc0) == 0x80) ++length;
  return source.error_at(offset, fmt::format("unexpected character {}", shown(rest.substr(0, length))));
}

}  // namespace

Result<std::vector<Token>> tokenize(const SourceText& source) {
  const std::string_view text = source.text();
  peg::memory_input<peg::tracking_mode::lazy> input(text.data(), text.data() + text.size(), "");
  Tokens tokens{text.data(), {}};
  peg::parse<Characters, TokenAction>(input, tokens);
  if (!input.empty()) return lexical_error(source, static_cast<size_t>(input.current() - text.data()));
  for (const Token& token : tokens.list) {
    if (token.terminal == T::kQuotedName && token.text.size() == 2) {
      return source.error_at(token.offset, "a quoted name cannot be empty");
    }
  }
  const size_t end = tokens.list.empty() ? text.size() : tokens.list.back().offset + tokens.list.back().text.size();
  tokens.list.push_back({T::kEnd, static_cast<uint32_t>(end), {}});
  return std::move(tokens.list);
}

}  // namespace meterstream
