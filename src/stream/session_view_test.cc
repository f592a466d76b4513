// Sessions through the whole engine, against the oracle, which looks for them among all that there were.
#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "metering/aggregate.h"
#include "metering/timestamp.h"
#include "testing/faulty_key_value_store.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;
constexpr int64_t kMinute = 60'000;

using Windows = std::map<std::pair<int64_t, std::string>, OracleWindow>;
using Record = ViewPipeline::Record;

std::string header_of(const Record& record, std::string_view wanted) {
  ByteReader reader(record.headers);
  while (reader.ok() && reader.remaining() > 0) {
    const std::string_view name = reader.sized_bytes();
    const std::string_view value = reader.sized_bytes();
    if (name == wanted) return std::string(value);
  }
  return {};
}

/// The values of results stand in this order (see standard_view); windowEnd may be null.
bool is_beginning(const Record& record) {
  return record.value.find("\"windowEnd\":null") != std::string::npos;
}

struct Engine {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();

  /// In many small log batches, so that a step is a part of the input.
  void append(const std::vector<OracleReading>& readings, size_t at_once = 20) {
    for (size_t first = 0; first < readings.size(); first += at_once) {
      const auto begin = readings.begin() + static_cast<ptrdiff_t>(first);
      const auto end = readings.begin() + static_cast<ptrdiff_t>(std::min(first + at_once, readings.size()));
      ASSERT_TRUE(pipeline->append({begin, end}, 1));
    }
  }
  /// What a reader knows who takes out what tombstones name.
  Windows last_results(const ViewSpec& view) {
    Windows last;
    const auto records = pipeline->read_topic(view.topic).value();
    for (const Record& record : records) {
      if (record.value.empty()) {
        const auto start = parse_timestamp(header_of(record, "windowStart"));
        EXPECT_EQ(last.erase({start.value().value, record.key}), 1U);
        continue;
      }
      if (is_beginning(record)) continue;
      const Aggregate aggregate = parse_aggregate_json(record.value).value();
      OracleWindow window{aggregate.sample_count, aggregate.min, aggregate.max, aggregate.sum};
      window.end_ms = aggregate.window_end.value;
      const bool is_new = last.insert_or_assign({aggregate.window_start.value, record.key}, window).second;
      EXPECT_TRUE(is_new || view.emit == EmitMode::kChanges);
    }
    return last;
  }
};

ViewSpec session_view(const std::shared_ptr<const StreamSpec>& stream, int64_t gap_ms, int64_t grace_ms,
                      EmitMode emit = EmitMode::kFinal) {
  ViewSpec view = standard_view(stream, gap_ms, grace_ms);
  constexpr std::string_view kNames[] = {"final", "changes", "bounds"};
  view.name = "sessions_" + std::string(kNames[static_cast<size_t>(emit)]);
  view.topic = view.name;
  view.session_gap_ms = gap_ms;
  view.emit = emit;
  view.partitions = 1;
  return view;
}

std::vector<ViewSpec> random_views() {
  auto stream = standard_stream();
  stream->deduplicate = *rc::gen::arbitrary<bool>();
  stream->deduplicate_horizon_ms = 120'000;
  const int64_t gap_ms = *rc::gen::element<int64_t>(1, 5'000, 20'000, 30'001, 90'000, 400'000);
  const int64_t grace_ms = *rc::gen::element<int64_t>(0, 3'000, 20'000, 600'000);
  std::vector<ViewSpec> views;
  for (const EmitMode emit : {EmitMode::kFinal, EmitMode::kChanges, EmitMode::kBounds})
    views.push_back(session_view(stream, gap_ms, grace_ms, emit));
  views.push_back(standard_view(stream, kMinute, 5'000));
  return views;
}

PassTaskOptions random_options() {
  PassTaskOptions options;
  options.batch_records = *rc::gen::element<size_t>(1, 5, 30, 2'048);
  options.read_bytes = *rc::gen::element<size_t>(1, 1'000, 1'000'000);
  options.commit_bytes = *rc::gen::element<size_t>(1, 5'000, 10'000'000);
  options.commit_interval_ms = *rc::gen::element<int64_t>(0, 1'000'000);
  options.memory_limit_bytes = *rc::gen::element<size_t>(0, 1, 20'000);
  options.state_keeping = *rc::gen::element(StateKeeping::kSnapshots, StateKeeping::kChangelog);
  options.result_ids = true;
  return options;
}

std::vector<OracleReading> random_input(size_t count) {
  return random_readings(count, *rc::gen::arbitrary<uint32_t>(), kStart);
}

bool is_usable(const OracleReading& item) {
  return std::isfinite(item.reading.value) && std::fabs(item.reading.value) < Decimal::kMaxReading;
}

/// Where time had come at the end.
int64_t watermark_of(const std::vector<OracleReading>& readings, const StreamSpec& stream) {
  int64_t watermark_ms = 0;
  for (const OracleReading& item : readings) {
    if (!is_usable(item)) continue;
    watermark_ms =
        std::max(watermark_ms, std::min(item.reading.timestamp.value, item.ingest_time.value + stream.max_ahead_ms));
  }
  return watermark_ms;
}

TEST(SessionView, AgreesWithTheOracleForEveryBatchSizeAndCommit) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(300);
    const std::vector<ViewSpec> views = random_views();
    Engine engine;
    engine.append(readings);
    const Status ran = engine.pipeline->run(views, random_options());
    if (!ran) RC_FAIL(ran.error().message);
    for (size_t i = 0; i < 3; ++i) {
      const ViewSpec& view = views[i];
      const OracleAnswer expected = ask_oracle(readings, OracleView(view));
      ViewAccounting accounting = engine.pipeline->accounting().at(view.name);
      RC_ASSERT(accounting.balanced());
      RC_ASSERT(accounting.results == static_cast<int64_t>(engine.pipeline->read_topic(view.topic)->size()));
      Windows windows = expected.windows;
      if (view.emit == EmitMode::kBounds) {
        const int64_t watermark_ms = watermark_of(readings, *view.source);
        std::erase_if(windows, [&](const auto& window) {
          return window.second.end_ms + view.session_gap_ms + view.grace_ms >= watermark_ms;
        });
      }
      RC_ASSERT(engine.last_results(view) == windows);
      if (view.emit != EmitMode::kFinal) accounting.results = expected.accounting.results;
      RC_ASSERT(accounting == expected.accounting);
      RC_ASSERT(engine.pipeline->read_topic(view.late_topic())->size() == expected.late.size());
    }
  }));
}

TEST(SessionView, GivesTheSameRecordsWhenStoppedAnywhereAndStartedAgain) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(240);
    const auto views = random_views();
    PassTaskOptions options = random_options();
    Engine straight;
    Engine restarted;
    straight.append(readings);
    restarted.append(readings);
    RC_ASSERT(straight.pipeline->run(views, options).has_value());
    for (int i = 0; i < 6; ++i) {
      options = random_options();
      options.read_bytes = 1;
      RC_ASSERT(restarted.pipeline->run(views, options, *rc::gen::inRange(0, 6)).has_value());
    }
    RC_ASSERT(restarted.pipeline->run(views, options).has_value());
    for (const ViewSpec& view : views) {
      RC_ASSERT(*straight.pipeline->read_topic(view.late_topic()) ==
                *restarted.pipeline->read_topic(view.late_topic()));
      if (view.emit == EmitMode::kChanges) {
        RC_ASSERT(straight.last_results(view) == restarted.last_results(view));
      } else {
        RC_ASSERT(*straight.pipeline->read_topic(view.topic) == *restarted.pipeline->read_topic(view.topic));
        RC_ASSERT(straight.pipeline->accounting().at(view.name) == restarted.pipeline->accounting().at(view.name));
      }
    }
  }));
}

TEST(SessionView, SessionsAreTheSameForEveryOrderOfTheReadings) {
  EXPECT_TRUE(rc::check([](uint32_t shuffle_seed) {
    auto readings = random_input(200);
    // Nothing is late with such a grace, so that only the merging could depend on the order.
    const int64_t gap_ms = *rc::gen::element<int64_t>(5'000, 30'000, 120'000);
    const ViewSpec view = session_view(standard_stream(), gap_ms, 100'000'000);
    std::mt19937_64 random(shuffle_seed);
    std::shuffle(readings.begin(), readings.end(), random);
    Engine engine;
    engine.append(readings);
    RC_ASSERT(engine.pipeline->run({view}, {}).has_value());
    // Islands between gaps, the times of each series sorted.
    std::map<std::string, std::multiset<int64_t>> times;
    for (const OracleReading& item : readings) {
      if (is_usable(item)) times[item.reading.series.text()].insert(item.reading.timestamp.value);
    }
    std::map<std::pair<int64_t, std::string>, std::pair<int64_t, int64_t>> expected;
    for (const auto& [series, sorted] : times) {
      int64_t start_ms = *sorted.begin();
      int64_t before_ms = start_ms;
      for (const int64_t time_ms : sorted) {
        if (time_ms - before_ms > gap_ms) start_ms = time_ms;
        auto& [end_ms, count] = expected[{start_ms, series}];
        end_ms = before_ms = time_ms;
        ++count;
      }
    }
    std::map<std::pair<int64_t, std::string>, std::pair<int64_t, int64_t>> actual;
    for (const auto& [key, window] : engine.last_results(view)) actual[key] = {window.end_ms, window.count};
    RC_ASSERT(actual == expected);
  }));
}

TEST(SessionView, BeginningsAndEndsOfAGroupTakeTurns) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(400);
    const ViewSpec view = random_views()[2];
    Engine engine;
    engine.append(readings);
    RC_ASSERT(engine.pipeline->run({view}, random_options()).has_value());
    std::map<std::string, bool> active;
    std::set<std::string> ids;
    const auto records = engine.pipeline->read_topic(view.topic).value();
    for (const Record& record : records) {
      RC_ASSERT(is_beginning(record) != active[record.key]);
      active[record.key] = is_beginning(record);
      RC_ASSERT(ids.insert(header_of(record, "id")).second);
    }
  }));
}

class SessionViewTest : public testing::Test {
 protected:
  void append(double minutes, double value, const std::string& gateway = "g") {
    const auto time_ms = kStart + static_cast<int64_t>(minutes * kMinute);
    const OracleReading reading{{{gateway, "GAS", "GAS_IDD"}, EventTime(time_ms), value},
                                IngestTime(kStart + ahead_ms_)};
    ASSERT_TRUE(engine_.pipeline->append({reading}, 1));
  }
  void run(const ViewSpec& view, bool close = true) {
    const Status ran = engine_.pipeline->run({view}, options_, INT64_MAX, close);
    ASSERT_TRUE(ran) << ran.error().message;
    ASSERT_TRUE(accounting(view).balanced());
  }
  ViewAccounting accounting(const ViewSpec& view) { return engine_.pipeline->accounting().at(view.name); }
  /// "gateway from-to xCount", minutes from kStart, in the order of the records.
  std::vector<std::string> results(const ViewSpec& view) {
    std::vector<std::string> all;
    const auto minutes = [](int64_t time_ms) { return std::to_string((time_ms - kStart) / kMinute); };
    const auto records = engine_.pipeline->read_topic(view.topic).value();
    for (const Record& record : records) {
      const std::string gateway = record.key.substr(0, record.key.find('.'));
      if (record.value.empty()) {
        all.push_back(gateway + " -" + minutes(parse_timestamp(header_of(record, "windowStart")).value().value));
        continue;
      }
      std::string value = record.value;
      const bool begins = is_beginning(record);
      if (begins) value.replace(value.find("\"windowEnd\":null"), 16, "\"windowEnd\":\"2000-01-01T00:00:00Z\"");
      const Aggregate aggregate = parse_aggregate_json(value).value();
      all.push_back(gateway + ' ' + minutes(aggregate.window_start.value) + '-' +
                    (begins ? "" : minutes(aggregate.window_end.value)) + " x" +
                    std::to_string(aggregate.sample_count));
    }
    return all;
  }

  int64_t ahead_ms_ = 100'000'000;
  Engine engine_;
  PassTaskOptions options_;
  std::shared_ptr<StreamSpec> stream_ = standard_stream();
};

using Texts = std::vector<std::string>;

TEST_F(SessionViewTest, AReadingJoinsWhatItReachesAndIsLateWhenItsOwnSessionWouldBeClosed) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, 2 * kMinute);
  append(0, 1);
  append(5, 2);   // just within the gap
  append(11, 3);  // of its own
  append(3, 4);
  append(17, 5);  // closes nothing: the session from 11 is open until behind 18
  append(12, 6);  // joins both
  append(30, 7);
  append(22, 8);  // time has passed 22 + 5 + 2
  append(23, 9);  // not yet 23
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0-5 x3", "g 11-17 x3", "g 23-23 x1", "g 30-30 x1"}));
  EXPECT_EQ(accounting(view).late, 1);
  EXPECT_EQ(engine_.pipeline->read_topic(view.late_topic())->size(), 1U);
}

TEST_F(SessionViewTest, AnOldReadingJoinsAnOpenSessionButNeverWhatClosed) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, 0);
  append(0, 1);
  append(6, 2);  // closes the one from 0
  append(11, 3);
  append(2, 4);  // reaches the session from 6, which is open
  append(0, 5);  // it would, too, but a closed one ends there
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0-0 x1", "g 2-11 x3"}));
  EXPECT_EQ(accounting(view).late, 1);
}

TEST_F(SessionViewTest, RefinementsTakeBackWhatWasMergedAway) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, kMinute, EmitMode::kChanges);
  options_.batch_records = 1;
  append(0, 1);
  append(6, 2);
  append(5, 3);
  append(-2, 4);
  append(20, 5);
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0-0 x1", "g 6-6 x1", "g -6", "g 0-6 x3", "g -0", "g -2-6 x4", "g 20-20 x1"}));
}

TEST_F(SessionViewTest, ASilenceIsToldWhileItLastsAndItsEndOnce) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, 0, EmitMode::kBounds);
  append(0, 1);
  append(0, 1, "other");
  append(4, 1, "other");
  append(6, 1, "other");  // moves time beyond 5
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0- x1", "other 0- x1", "g 0-0 x1"}));
  append(7, 1, "other");
  append(8, 1);
  append(9, 1);
  run(view);
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0- x1", "other 0- x1", "g 0-0 x1", "g 8- x1"}));
}

TEST_F(SessionViewTest, ReadingsThatFillASilenceInTimeEndIt) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, 3 * kMinute, EmitMode::kBounds);
  append(0, 1);
  append(7, 1);  // a session of its own, of which nothing is told while the one from 0 is open
  append(4, 1);  // joins them
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0- x1"}));
  append(16, 1);  // the one until 7 closes, and this is the next
  append(10, 1);  // in between, of its own
  append(22, 1);  // closes the one from 10, and what follows is told again
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0- x1", "g 0-7 x3", "g 16- x1", "g 10-10 x1", "g 16- x1"}));
}

TEST_F(SessionViewTest, SessionsThatARunClosedStayClosedInTheNextRun) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, kMinute);
  append(0, 1);
  append(2, 1, "other");
  run(view);
  append(0, 2);           // before the end of a closed one
  append(1, 3);           // begins one of its own
  append(2, 4, "other");  // late
  append(4, 5, "other");
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0-0 x1", "other 2-2 x1", "g 1-1 x1", "other 4-4 x1"}));
  EXPECT_EQ(accounting(view).late, 2);
}

TEST_F(SessionViewTest, SessionsThatAFastClockOpenedAreClosedAlone) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, kMinute);
  ahead_ms_ = 0;
  append(0, 1);
  append(100, 2);  // moves the watermark to max_ahead, a minute, only
  run(view);
  append(2, 3);
  append(98, 4);
  append(100, 5);  // late
  append(102, 6);  // reaches 98, but not across what is closed
  run(view);
  EXPECT_EQ(results(view), (Texts{"g 0-0 x1", "g 100-100 x1", "g 2-2 x1", "g 98-98 x1", "g 102-102 x1"}));
  EXPECT_EQ(accounting(view).late, 1);
}

TEST_F(SessionViewTest, TellsOfStateThatDoesNotReadBack) {
  const ViewSpec view = session_view(stream_, 5 * kMinute, kMinute);
  append(0, 1);
  run(view, false);
  WriteBatch batch;
  const auto cursor = engine_.store.cursor(Space::kState);
  for (cursor->seek("windows/"); cursor->valid() && cursor->key().starts_with("windows/"); cursor->next()) {
    const std::string key(cursor->key());
    if (key.size() > 5 && key[key.size() - 5] == 's') batch.put(Space::kState, key, "x");
  }
  ASSERT_TRUE(engine_.store.write(batch, Durability::kSync));
  const Status ran = engine_.pipeline->run({view}, options_);
  ASSERT_FALSE(ran);
  EXPECT_NE(ran.error().message.find("the sessions of group 0 do not read back"), std::string::npos);
}

}  // namespace
}  // namespace meterstream
