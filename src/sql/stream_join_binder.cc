#include "sql/stream_join_binder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/expression_binder.h"
#include "sql/option_reader.h"
#include "stream/group_key.h"

namespace meterstream {
namespace {

/// ksqlDB's default.
constexpr int64_t kDefaultGraceMs = 86'400'000;

class StreamJoinBinder {
 public:
  StreamJoinBinder(const ast::Join& join, RowScope& scope, const SourceText& source)
      : join_(join), scope_(scope), source_(source) {}

  Result<StreamJoinNode> bind(const std::shared_ptr<const StreamSpec>& left, const Catalog& catalog) {
    auto spec = std::make_shared<StreamJoinSpec>();
    spec->left.stream = left;
    ASSIGN_OR_RETURN(spec->right.stream, right_stream(*left, catalog));
    RETURN_IF_ERROR(bind_times(*spec));
    const ast::Join::Kind kind = join_.kind;
    spec->left.keeps_unmatched = kind == ast::Join::Kind::kLeft || kind == ast::Join::Kind::kFull;
    spec->right.keeps_unmatched = kind == ast::Join::Kind::kRight || kind == ast::Join::Kind::kFull;
    first_ = scope_.columns().size();
    const ast::Identifier& called = join_.alias ? *join_.alias : join_.source;
    if (scope_.has_source(called))
      return error(called.position,
                   fmt::format("{} is joined already; give one of them another name with AS", called.text));
    scope_.add("stream", spec->right.stream->name, join_.alias, spec->right.stream->columns);
    RETURN_IF_ERROR(bind_condition(*spec));
    StreamJoinNode node;
    node.joined = joined_stream(*spec);
    node.spec = std::move(spec);
    return node;
  }

 private:
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return source_.error_at(position.offset, message);
  }

  Result<std::shared_ptr<const StreamSpec>> right_stream(const StreamSpec& left, const Catalog& catalog) const {
    auto stream = catalog.stream(join_.source);
    if (stream == nullptr)
      return error(
          join_.source.position,
          fmt::format("stream {} has no event time: its SELECT has no TIMESTAMP column, or several and not its "
                      "source's event time",
                      join_.source.text));
    if (stream->topic == left.topic)
      return error(
          join_.source.position,
          fmt::format("not supported yet: a join of topic {} with itself; CREATE STREAM copied AS SELECT * FROM "
                      "{} makes one that can be joined",
                      left.topic, left.name));
    return stream;
  }

  Result<int64_t> length(const ast::TimeLength& given, std::string_view what) const {
    const auto length_ms = milliseconds_of(given);
    if (!length_ms) return error(given.position, fmt::format("the {} is longer than 100 years", what));
    if (*length_ms < 0) return error(given.position, fmt::format("the {} must be 0 or more", what));
    return *length_ms;
  }

  Status bind_times(StreamJoinSpec& spec) const {
    if (!join_.within)
      return error(
          join_.position,
          "a join of two streams needs WITHIN, how far apart in time its rows may be: JOIN other WITHIN 5 MINUTES "
          "ON ...");
    ASSIGN_OR_RETURN(spec.before_ms, length(join_.within->before, "time before"));
    spec.after_ms = spec.before_ms;
    if (join_.within->after) {
      ASSIGN_OR_RETURN(spec.after_ms, length(*join_.within->after, "time after"));
    }
    spec.grace_ms = kDefaultGraceMs;
    if (join_.within->grace) {
      ASSIGN_OR_RETURN(spec.grace_ms, length(*join_.within->grace, "grace period"));
    }
    return {};
  }

  Status bind_condition(StreamJoinSpec& spec) const {
    const ast::Expression& condition = join_.condition;
    if (condition.kind != ast::Expression::Kind::kComparison || condition.text != "=")
      return error(condition.position, "streams are joined by one equality: ON left.key = right.key; WHERE takes more");
    ASSIGN_OR_RETURN(ExpressionPointer one, bind_side(condition.children[0]));
    ASSIGN_OR_RETURN(ExpressionPointer other, bind_side(condition.children[1]));
    if (is_of_right(*one) == is_of_right(*other))
      return error(condition.position,
                   "one side of = must be of the stream before JOIN, the other of the one behind it");
    if (is_of_right(*one)) std::swap(one, other);
    if (one->type != other->type)
      return error(condition.position, fmt::format("the left key is {}, the right one {}; CAST one of them",
                                                   name_of(one->type), name_of(other->type)));
    if (!can_name_groups(one->type))
      return error(condition.position,
                   fmt::format("not supported yet: a key that is {}; CAST both sides", name_of(one->type)));
    spec.left.key = std::move(one);
    spec.right.key = shifted(*other, -static_cast<std::ptrdiff_t>(first_));
    return {};
  }

  [[nodiscard]] bool is_of_right(const Expression& side) const { return columns_of(side).back() >= first_; }

  /// Over the columns of one of both streams.
  Result<ExpressionPointer> bind_side(const ast::Expression& side) const {
    ExpressionBinder binder(
        source_,
        [&](const ast::Expression& reference) -> Result<ExpressionPointer> {
          ASSIGN_OR_RETURN(const size_t index, scope_.find(reference));
          return column_expression(index, scope_.columns()[index].type);
        },
        [&](const ast::Expression& call) -> Result<ExpressionPointer> {
          return error(call.position, fmt::format("{} cannot stand in the condition of a join", call.name.text));
        });
    ASSIGN_OR_RETURN(ExpressionPointer bound, binder.bind(side));
    const std::vector<size_t> columns = columns_of(*bound);
    if (columns.empty()) return error(side.position, "each side of = names columns of one of the streams");
    if (columns.front() < first_ && columns.back() >= first_)
      return error(side.position, "this names columns of both streams; each side of = is of one of them");
    return bound;
  }

  /// It goes by the left one's name and topic.
  static std::shared_ptr<const StreamSpec> joined_stream(const StreamJoinSpec& spec) {
    const StreamSpec& right = *spec.right.stream;
    auto joined = std::make_shared<StreamSpec>(*spec.left.stream);
    joined->columns.insert(joined->columns.end(), right.columns.begin(), right.columns.end());
    joined->key_column.reset();
    joined->key_is_series = false;
    joined->deduplicate = false;
    joined->idle_timeout_ms = std::max(joined->idle_timeout_ms, right.idle_timeout_ms);
    joined->max_ahead_ms = std::max(joined->max_ahead_ms, right.max_ahead_ms);
    return joined;
  }

  const ast::Join& join_;
  RowScope& scope_;
  const SourceText& source_;
  size_t first_ = 0;
};

}  // namespace

Result<StreamJoinNode> bind_stream_join(const ast::CreateTable& statement, const ast::Join& join,
                                        const std::shared_ptr<const StreamSpec>& left, RowScope& scope,
                                        const SourceText& source, const Catalog& catalog) {
  if (!statement.is_stream) {
    return source.error_at(join.position.offset,
                           "not supported yet: groups of a join of streams in one statement; CREATE STREAM joins them, "
                           "and CREATE TABLE computes over that stream");
  }
  if (&join != &statement.joins.front()) {
    return source.error_at(join.position.offset,
                           "not supported yet: a stream that is joined behind another join; CREATE STREAM makes one of "
                           "the first join, which the next statement joins");
  }
  return StreamJoinBinder(join, scope, source).bind(left, catalog);
}

}  // namespace meterstream
