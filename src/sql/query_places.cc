#include "sql/query_places.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr size_t kMostKeys = 1000;

/// As the key of a record has the value; nothing when it is not known which text that is.
std::optional<std::string> key_text(const Expression& literal, ColumnType type) {
  if (literal.kind != Expression::Kind::kLiteral || literal.type != type) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&literal.literal)) return *text;
  if (const auto* flag = std::get_if<bool>(&literal.literal)) return std::string(*flag ? "true" : "false");
  if (const auto* integer = std::get_if<int64_t>(&literal.literal)) {
    if (type == ColumnType::kTimestamp) return format_timestamp(EventTime(*integer));
    if (type == ColumnType::kBigint) return std::to_string(*integer);
  }
  return std::nullopt;
}

using KnownValues = std::map<size_t, std::vector<std::string>>;

/// What the parts that AND joins say about the columns of a source, which are those from `first` on.
class Restrictions {
 public:
  Restrictions(const QuerySource& source, size_t first, RowPlaces& places)
      : source_(source), first_(first), places_(places) {}

  /// A column of the source has one of these texts.
  void add_known(size_t column, std::vector<std::string> texts) { values_.try_emplace(column, std::move(texts)); }
  [[nodiscard]] const KnownValues& known() const { return values_; }

  void add(const Expression& condition) {
    if (condition.kind != Expression::Kind::kOperation) return;
    const auto& children = condition.children;
    switch (condition.operation) {
      case Operator::kAnd:
        for (const ExpressionPointer& child : children) add(*child);
        return;
      case Operator::kIn:
        if (is_own(*children[0])) add_values(*children[0], {children.begin() + 1, children.end()});
        return;
      case Operator::kEqual:
      case Operator::kLess:
      case Operator::kLessOrEqual:
      case Operator::kGreater:
      case Operator::kGreaterOrEqual: {
        const bool is_turned = children[1]->kind == Expression::Kind::kColumn;
        const Expression& column = is_turned ? *children[1] : *children[0];
        const ExpressionPointer& value = is_turned ? children[0] : children[1];
        if (!is_own(column) || value->kind != Expression::Kind::kLiteral) return;
        if (condition.operation == Operator::kEqual) add_values(column, {&value, &value + 1});
        limit(column, condition.operation, is_turned, *value);
        if (source_.window_start == column.column - first_) bound(condition.operation, is_turned, *value);
        return;
      }
      case Operator::kLike:
        if (is_own(*children[0]) && children[1]->kind == Expression::Kind::kLiteral)
          begin_with(children[0]->column - first_, *children[1]);
        return;
      default:
        return;
    }
  }

  void finish() {
    std::vector<size_t> parts = source_.group_columns;
    if (source_.key_column) parts = {*source_.key_column};
    if (parts.empty()) return;
    std::vector<std::string> keys = {""};
    for (size_t part = 0; part < parts.size(); ++part) {
      const auto known = values_.find(parts[part]);
      if (known == values_.end() || keys.size() * known->second.size() > kMostKeys)
        return part == 0 ? find_ranges(parts) : find_prefixes(std::move(keys));
      std::vector<std::string> longer;
      for (const std::string& key : keys) {
        for (const std::string& value : known->second)
          longer.push_back(part == 0 ? value : fmt::format("{}.{}", key, value));
      }
      keys = std::move(longer);
    }
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    places_.keys = std::move(keys);
  }

 private:
  [[nodiscard]] bool is_own(const Expression& expression) const {
    return expression.kind == Expression::Kind::kColumn && expression.column >= first_ &&
           expression.column < first_ + source_.columns.size();
  }

  /// What texts that begin so are below; none: they may be anything.
  static std::optional<std::string> end_of_prefix(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
    if (prefix.empty()) return std::nullopt;
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
  }

  static void raise(KeyRange& range, std::string_view from) {
    if (from > range.from) range.from = from;
  }
  static void lower(KeyRange& range, std::optional<std::string> to) {
    if (to && (!range.to || *to < *range.to)) range.to = std::move(to);
  }

  /// The first columns of the key are known.
  void find_prefixes(std::vector<std::string> keys) {
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    for (const std::string& key : keys) places_.key_ranges.push_back({key + ".", end_of_prefix(key + ".")});
    std::ranges::sort(places_.key_ranges, {}, &KeyRange::from);
    // A value may have a point: a.b begins as a does.
    std::vector<KeyRange> apart;
    for (KeyRange& range : places_.key_ranges) {
      if (apart.empty() || (apart.back().to && range.from >= *apart.back().to)) apart.push_back(std::move(range));
    }
    places_.key_ranges = std::move(apart);
  }

  /// Of a key of several columns, what is below a value of the first may lie behind it: a.x is behind a!, and a before it.
  void find_ranges(const std::vector<size_t>& parts) {
    const auto limits = limits_.find(parts.front());
    if (limits == limits_.end()) return;
    KeyRange range = limits->second.prefixes;
    raise(range, limits->second.bounds.from);
    if (parts.size() == 1) lower(range, limits->second.bounds.to);
    if (range.from.empty() && !range.to) return;
    places_.key_ranges.push_back(std::move(range));
  }

  void limit(const Expression& column, Operator operation, bool is_turned, const Expression& value) {
    const auto* text = std::get_if<std::string>(&value.literal);
    if (text == nullptr || column.type != ColumnType::kVarchar) return;
    const bool is_equal = operation == Operator::kEqual;
    const bool is_less = operation == Operator::kLess || operation == Operator::kLessOrEqual;
    const bool is_strict = operation == Operator::kLess || operation == Operator::kGreater;
    KeyRange& bounds = limits_[column.column - first_].bounds;
    if (is_equal || is_less == is_turned) raise(bounds, *text);
    if (is_equal || is_less != is_turned) lower(bounds, is_strict ? *text : *text + '\0');
  }

  void begin_with(size_t column, const Expression& pattern) {
    const auto* text = std::get_if<std::string>(&pattern.literal);
    if (text == nullptr || source_.columns[column].type != ColumnType::kVarchar) return;
    const std::string prefix = text->substr(0, text->find_first_of("%_"));
    if (prefix.empty()) return;
    KeyRange& prefixes = limits_[column].prefixes;
    raise(prefixes, prefix);
    lower(prefixes, end_of_prefix(prefix));
  }

  void add_values(const Expression& column, std::span<const ExpressionPointer> literals) {
    std::vector<std::string> texts;
    for (const ExpressionPointer& literal : literals) {
      auto text = key_text(*literal, column.type);
      if (!text) return;
      texts.push_back(*std::move(text));
    }
    // Of two restrictions of one column either will do.
    values_.try_emplace(column.column - first_, std::move(texts));
  }

  void bound(Operator operation, bool is_turned, const Expression& value) {
    const auto* time = std::get_if<int64_t>(&value.literal);
    if (time == nullptr) return;
    const bool is_equal = operation == Operator::kEqual;
    const bool is_less = operation == Operator::kLess || operation == Operator::kLessOrEqual;
    if (is_equal || is_less == is_turned) places_.first_window_ms = std::max(places_.first_window_ms, *time);
    if (is_equal || is_less != is_turned) places_.last_window_ms = std::min(places_.last_window_ms, *time);
  }

  const QuerySource& source_;
  const size_t first_;
  RowPlaces& places_;
  struct Limits {
    KeyRange bounds;
    KeyRange prefixes;
  };
  KnownValues values_;
  std::map<size_t, Limits> limits_;
};

}  // namespace

void find_places(BoundQuery& query) {
  if (query.condition == nullptr) return;
  KnownValues known;  // by column of the rows
  size_t first = 0;
  const auto find_in = [&](const QuerySource& source, const std::vector<QueryJoin::Key>& keys, RowPlaces& places) {
    Restrictions restrictions(source, first, places);
    restrictions.add(*query.condition);
    for (const QueryJoin::Key& key : keys) {
      const bool is_plain = key.left->kind == Expression::Kind::kColumn && key.right->kind == Expression::Kind::kColumn;
      if (!is_plain || key.left->type != key.right->type) continue;
      if (const auto left = known.find(key.left->column); left != known.end())
        restrictions.add_known(key.right->column, left->second);
    }
    restrictions.finish();
    for (const auto& [column, texts] : restrictions.known()) known[first + column] = texts;
    first += source.columns.size();
  };
  find_in(*query.source, {}, query.places);
  for (QueryJoin& join : query.joins) find_in(*join.source, join.keys, join.places);
}

std::string places_text(const QuerySource& source, const RowPlaces& places) {
  std::string text;
  if (places.keys) {
    text = fmt::format("look up {} key(s) in table {}\n", places.keys->size(), source.name);
  } else if (!places.key_ranges.empty()) {
    text = fmt::format("look up {} range(s) of keys in table {}\n", places.key_ranges.size(), source.name);
  } else {
    return fmt::format("read all rows of table {}\n", source.name);
  }
  if (places.first_window_ms != INT64_MIN)
    text += fmt::format("  windows from {}\n", format_timestamp(EventTime(places.first_window_ms)));
  if (places.last_window_ms != INT64_MAX)
    text += fmt::format("  windows to {}\n", format_timestamp(EventTime(places.last_window_ms)));
  return text;
}

}  // namespace meterstream
