// The join of two streams, row by row, beside a nested loop over all of them: late rows, repeated and missing keys, any batch
// borders, state written and read back at any time.
#include "stream/stream_join.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "state/memory_store.h"

namespace meterstream {
namespace {

constexpr int64_t kNone = -1;
using Pairs = std::multiset<std::pair<int64_t, int64_t>>;

/// Of the side that came, with the watermark behind it.
struct Event {
  StreamJoin::Side side = StreamJoin::kLeft;
  int64_t id = 0;
  int64_t time_ms = 0;
  std::optional<int64_t> key;
  int64_t watermark_ms = INT64_MIN;
};

struct Shape {
  int64_t before_ms = 0;
  int64_t after_ms = 0;
  int64_t grace_ms = 0;
  bool keeps_left = false;
  bool keeps_right = false;
};

std::shared_ptr<Expression> column(size_t index, ColumnType type) {
  auto expression = std::make_shared<Expression>();
  expression->kind = Expression::Kind::kColumn;
  expression->column = index;
  expression->type = type;
  return expression;
}

/// Both streams have key, time, id and a text of the id; the key is BIGINT.
ViewSpec view_of(const Shape& shape) {
  auto stream = std::make_shared<StreamSpec>();
  stream->columns = {{"k", ColumnType::kBigint},
                     {"t", ColumnType::kTimestamp},
                     {"id", ColumnType::kBigint},
                     {"text", ColumnType::kVarchar}};
  stream->timestamp_column = 1;
  auto join = std::make_shared<StreamJoinSpec>();
  join->left = {stream, column(0, ColumnType::kBigint), shape.keeps_left};
  join->right = {stream, column(0, ColumnType::kBigint), shape.keeps_right};
  join->before_ms = shape.before_ms;
  join->after_ms = shape.after_ms;
  join->grace_ms = shape.grace_ms;
  auto joined = std::make_shared<StreamSpec>(*stream);
  joined->columns.insert(joined->columns.end(), stream->columns.begin(), stream->columns.end());
  ViewSpec view;
  view.source = joined;
  view.join = join;
  view.projection = {{"l", column(2, ColumnType::kBigint)},
                     {"lt", column(3, ColumnType::kVarchar)},
                     {"r", column(6, ColumnType::kBigint)},
                     {"rt", column(7, ColumnType::kVarchar)}};
  return view;
}

class Joined {
 public:
  explicit Joined(const Shape& shape) : shape_(shape), view_(view_of(shape)) { renew(); }

  /// Events of one side after another, as one batch.
  void add(const std::vector<Event>& events) {
    DecodedBatch batch;
    std::vector<RecordView> records(events.size());
    batch.columns.rows = events.size();
    batch.columns.columns = {null_column(ColumnType::kBigint, events.size()),
                             {ColumnType::kTimestamp, {}, {}, {}, {}},
                             {ColumnType::kBigint, {}, {}, {}, {}},
                             {ColumnType::kVarchar, {}, {}, {}, {}}};
    for (uint32_t row = 0; row < events.size(); ++row) {
      const Event& event = events[row];
      Column& keys = batch.columns.columns[0];
      if (event.key) keys.integers[row] = *event.key;
      keys.validity[row] = event.key ? 1 : 0;
      batch.columns.columns[1].integers.push_back(event.time_ms);
      batch.columns.columns[2].integers.push_back(event.id);
      batch.columns.columns[3].strings.push_back(
          batch.columns.arena.emplace_back(fmt::format("the row with the number {}", event.id)));
      batch.columns.record_index.push_back(row);
      batch.selection.push_back(row);
      batch.event_times_ms.push_back(event.time_ms);
      batch.ingest_times_ms.push_back(event.time_ms);
      batch.watermark_after_ms.push_back(event.watermark_ms);
      records[row].offset = Offset(event.id);
    }
    batch.records = records;
    watermark_ms_ = std::max(watermark_ms_, events.back().watermark_ms);
    StreamJoin::Counts counts;
    RC_ASSERT(join_->add(events.front().side, batch, PartitionId(0), counts).has_value());
    late_ += static_cast<int64_t>(counts.late.size());
    taken_ += counts.taken;
    without_key_ += counts.without_key;
  }

  /// As a restart does: what was committed makes a new join.
  void restart() {
    WriteBatch batch;
    join_->save_changes("windows/x/j", batch);
    RC_ASSERT(store_.write(batch, Durability::kSync).has_value());
    const size_t rows = join_->rows();
    renew();
    RC_ASSERT(join_->load_changes("windows/x/j", store_).has_value());
    RC_ASSERT(join_->rows() == rows);
  }

  void close() { RC_ASSERT(join_->close_all().has_value()); }
  [[nodiscard]] const Pairs& pairs() const { return pairs_; }
  [[nodiscard]] size_t rows() const { return join_->rows(); }
  [[nodiscard]] int64_t late() const { return late_; }
  [[nodiscard]] int64_t counted() const { return late_ + taken_ + without_key_; }

 private:
  void renew() {
    join_ = std::make_unique<StreamJoin>(view_, [this](DecodedBatch& joined) { return take(joined); });
  }

  Status take(DecodedBatch& joined) {
    std::set<std::string> ids;
    for (const uint32_t row : joined.selection) {
      const auto id_of = [&](size_t first) {
        const Column& numbers = joined.columns.columns[first];
        const Column& texts = joined.columns.columns[first + 1];
        RC_ASSERT(numbers.is_null(row) == texts.is_null(row));
        if (numbers.is_null(row)) return kNone;
        RC_ASSERT(texts.strings[row] == fmt::format("the row with the number {}", numbers.integers[row]));
        return numbers.integers[row];
      };
      pairs_.emplace(id_of(2), id_of(6));
      RC_ASSERT(ids.insert(join_->id_of(row)).second);
    }
    return {};
  }

  Shape shape_;
  ViewSpec view_;
  MemoryStore store_;
  std::unique_ptr<StreamJoin> join_;
  Pairs pairs_;
  int64_t watermark_ms_ = INT64_MIN;
  int64_t late_ = 0;
  int64_t taken_ = 0;
  int64_t without_key_ = 0;
};

Pairs nested_loop(const std::vector<Event>& events, const Shape& shape) {
  Pairs pairs;
  std::set<int64_t> matched;
  std::vector<Event> accepted;
  for (const Event& event : events) {
    if (event.time_ms + shape.grace_ms >= event.watermark_ms) accepted.push_back(event);
  }
  for (const Event& left : accepted) {
    for (const Event& right : accepted) {
      if (left.side != StreamJoin::kLeft || right.side != StreamJoin::kRight || !left.key || left.key != right.key)
        continue;
      const int64_t apart_ms = right.time_ms - left.time_ms;
      if (apart_ms < -shape.before_ms || apart_ms > shape.after_ms) continue;
      pairs.emplace(left.id, right.id);
      matched.insert({left.id, right.id});
    }
  }
  for (const Event& event : accepted) {
    if (matched.contains(event.id)) continue;
    if (event.side == StreamJoin::kLeft && shape.keeps_left) pairs.emplace(event.id, kNone);
    if (event.side == StreamJoin::kRight && shape.keeps_right) pairs.emplace(kNone, event.id);
  }
  return pairs;
}

Shape random_shape() {
  Shape shape;
  shape.before_ms = *rc::gen::inRange<int64_t>(0, 30);
  shape.after_ms = *rc::gen::inRange<int64_t>(0, 30);
  shape.grace_ms = *rc::gen::inRange<int64_t>(0, 40);
  shape.keeps_left = *rc::gen::arbitrary<bool>();
  shape.keeps_right = shape.keeps_left && *rc::gen::arbitrary<bool>();
  return shape;
}

/// Times go on and jump back, further than the grace at times.
std::vector<Event> random_events() {
  std::vector<Event> events;
  int64_t now_ms = 1'000;
  int64_t watermark_ms = INT64_MIN;
  const int count = *rc::gen::inRange(1, 150);
  for (int id = 0; id < count; ++id) {
    Event event;
    event.side = *rc::gen::arbitrary<bool>() ? StreamJoin::kLeft : StreamJoin::kRight;
    event.id = id;
    now_ms += *rc::gen::inRange(0, 8);
    event.time_ms = now_ms - *rc::gen::weightedOneOf<int>({{4, rc::gen::inRange(0, 20)}, {1, rc::gen::inRange(0, 90)}});
    const int key = *rc::gen::inRange(0, 5);
    if (key > 0) event.key = key;
    if (*rc::gen::inRange(0, 3) == 0) watermark_ms = std::max(watermark_ms, now_ms - *rc::gen::inRange<int64_t>(0, 40));
    event.watermark_ms = watermark_ms;
    events.push_back(event);
  }
  return events;
}

TEST(StreamJoin, GivesThePairsOfANestedLoopOverTheRowsThatAreNotLate) {
  int64_t late = 0;
  size_t kept = 0;
  ASSERT_TRUE(rc::check("pairs", [&] {
    const Shape shape = random_shape();
    const std::vector<Event> events = random_events();
    Joined joined(shape);
    std::vector<Event> batch;
    for (const Event& event : events) {
      if (!batch.empty() && (batch.front().side != event.side || *rc::gen::inRange(0, 4) == 0)) {
        joined.add(batch);
        batch.clear();
        if (*rc::gen::inRange(0, 6) == 0) joined.restart();
      }
      batch.push_back(event);
    }
    joined.add(batch);
    // Rows that nothing finds any more are gone.
    const int64_t watermark_ms = events.back().watermark_ms;
    const auto may_find = [&](const Event& event) {
      const int64_t reach_ms = event.side == StreamJoin::kLeft ? shape.after_ms : shape.before_ms;
      return event.time_ms + reach_ms + shape.grace_ms >= watermark_ms;
    };
    RC_ASSERT(joined.rows() <= static_cast<size_t>(std::ranges::count_if(events, may_find)));
    kept += joined.rows();
    joined.close();
    RC_ASSERT(joined.counted() == static_cast<int64_t>(events.size()));
    late += joined.late();
    RC_ASSERT(joined.pairs() == nested_loop(events, shape));
  }));
  EXPECT_GT(late, 10);
  EXPECT_GT(kept, 10U);
}

Event event_at(StreamJoin::Side side, int64_t id, int64_t time_ms, int64_t watermark_ms) {
  return {side, id, time_ms, 7, watermark_ms};
}

TEST(StreamJoin, GivesALeftRowWithNullsWhenNothingCanComeAnyMoreAndNotBefore) {
  Joined joined({.before_ms = 10, .after_ms = 20, .grace_ms = 5, .keeps_left = true});
  joined.add({event_at(StreamJoin::kLeft, 1, 100, 100)});
  joined.add({event_at(StreamJoin::kRight, 2, 300, 125)});
  EXPECT_EQ(joined.pairs().size(), 0U);
  joined.add({event_at(StreamJoin::kRight, 3, 300, 126)});
  EXPECT_EQ(joined.pairs(), (Pairs{{1, kNone}}));
}

TEST(StreamJoin, GivesMoreThanABatchOfPairsOfOneRow) {
  Joined joined({.before_ms = 10, .after_ms = 10, .grace_ms = 5, .keeps_left = true, .keeps_right = true});
  std::vector<Event> many;
  for (int64_t id = 1; id <= 5'000; ++id) many.push_back(event_at(StreamJoin::kLeft, id, 100, 0));
  joined.add(many);
  joined.add({event_at(StreamJoin::kRight, 0, 105, 0)});
  EXPECT_EQ(joined.pairs().size(), 5'000U);
  std::vector<Event> alone;
  for (int64_t id = 10'001; id <= 15'000; ++id) alone.push_back(event_at(StreamJoin::kRight, id, 200, 0));
  joined.add(alone);
  joined.close();
  EXPECT_EQ(joined.pairs().size(), 10'000U);
}

TEST(StreamJoin, RefusesStateThatDoesNotReadBack) {
  MemoryStore store;
  WriteBatch batch;
  batch.put(Space::kState, std::string("j0\0\0\0\0\0\0\0\1", 10), "\1\2 not a row");
  ASSERT_TRUE(store.write(batch, Durability::kSync));
  const ViewSpec view = view_of({});
  StreamJoin join(view, [](DecodedBatch&) { return Status(); });
  const Status loaded = join.load_changes("j", store);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace meterstream
