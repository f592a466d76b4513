// Aggregates that remember samples, through the whole engine: SQL beside a computation from the readings of each window.
#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/json_encoder.h"
#include "metering/timestamp.h"
#include "sql/stream_plan.h"
#include "stream/chain_samples.h"
#include "testing/faulty_key_value_store.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

using testing::HasSubstr;

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;

struct EngineFixture {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();

  void append(const std::vector<OracleReading>& readings, int32_t partitions) {
    for (size_t first = 0; first < readings.size(); first += 20) {
      const auto begin = readings.begin() + static_cast<ptrdiff_t>(first);
      const auto end = readings.begin() + static_cast<ptrdiff_t>(std::min(first + 20, readings.size()));
      RC_ASSERT(pipeline->append({begin, end}, partitions).has_value());
    }
  }
  /// The last value of each window and key, which the value begins with.
  std::map<std::string, std::string> last_values(const std::string& topic) {
    std::map<std::string, std::string> last;
    const auto records = pipeline->read_topic(topic).value();
    for (const auto& record : records) last[record.value.substr(0, record.value.find(",\"n\""))] = record.value;
    return last;
  }
};

std::vector<ViewSpec> views_of(const std::string& tables) {
  auto program = compile_sql("CREATE STREAM metrics WITH (topic = 'metrics');" + tables, "f.sql");
  EXPECT_TRUE(program) << program.error().message;
  return program ? program->views : std::vector<ViewSpec>();
}

constexpr std::string_view kByOffset =
    ", LATEST_BY_OFFSET(value) AS latest, EARLIEST_BY_OFFSET(metricAttribute) AS earliest, LATEST_BY_OFFSET(timestamp) "
    "AS at, "
    "LATEST_BY_OFFSET(value > 0) AS above, EARLIEST_BY_OFFSET(CAST(value AS BIGINT), 3) AS three";

std::string table(const std::string& name, const std::string& window, const std::string& emit, bool by_offset = true) {
  return fmt::format(
      "CREATE TABLE {} AS SELECT gateway, WINDOWSTART AS ws, COUNT(*) AS n, MIN(metricAttribute) AS least, "
      "MAX(CASE WHEN value > 0 THEN metricAttribute END) AS most, COUNT_DISTINCT(metricAttribute) AS attributes, "
      "COUNT_DISTINCT(CAST(value AS BIGINT) % 5) AS classes, INCREASE(value) AS increase, "
      "INCREASE(CAST(value AS BIGINT), 1000) AS turns, RATE(value) AS rate, TIME_WEIGHTED_AVG(value) AS held, "
      "PERCENTILE(value, 0.9) AS p90, TOPK(value, 3) AS top, TOPKDISTINCT(CAST(value AS BIGINT) % 5, 2) AS classes2, "
      "HISTOGRAM(metricAttribute) AS histogram, SUM(value) AS sum, "
      "CASE WHEN MIN(metricAttribute) = 'x.y' THEN PERCENTILE(value, 0.5) * 2 END AS twice{} FROM metrics WINDOW {} "
      "GROUP BY gateway HAVING COUNT_DISTINCT(value) > 1 EMIT {};",
      name, by_offset ? kByOffset : "", window, emit);
}

struct Windowed {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  std::vector<Reading> readings;  // as they came
};

/// One reading after the other, each into the windows that hold it and are open.
std::vector<Windowed> windows_of(const std::vector<OracleReading>& readings, const ViewSpec& view) {
  std::map<std::pair<std::string, int64_t>, Windowed> windows;
  int64_t watermark_ms = INT64_MIN / 2;
  const int64_t advance_ms = view.is_hopping() ? view.advance_ms : view.window_size_ms;
  for (const OracleReading& item : readings) {
    const Reading& reading = item.reading;
    if (!(std::fabs(reading.value) < Decimal::kMaxReading)) continue;
    const int64_t time_ms = reading.timestamp.value;
    watermark_ms = std::max(watermark_ms, std::min(time_ms, item.ingest_time.value + view.source->max_ahead_ms));
    for (int64_t start_ms = time_ms / advance_ms * advance_ms; start_ms + view.window_size_ms > time_ms;
         start_ms -= advance_ms) {
      const int64_t end_ms = start_ms + view.window_size_ms;
      if (end_ms + view.grace_ms <= watermark_ms) continue;
      Windowed& window = windows[{reading.series.gateway, start_ms}];
      window.start_ms = start_ms;
      window.end_ms = end_ms;
      window.readings.push_back(reading);
    }
  }
  std::vector<Windowed> all;
  for (auto& [place, window] : windows) all.push_back(std::move(window));
  return all;
}

/// Of readings of which none is late.
std::vector<Windowed> sessions_of(const std::vector<OracleReading>& readings, const ViewSpec& view) {
  std::map<std::string, std::vector<size_t>> places;
  for (size_t place = 0; place < readings.size(); ++place) {
    const Reading& reading = readings[place].reading;
    if (std::fabs(reading.value) < Decimal::kMaxReading) places[reading.series.gateway].push_back(place);
  }
  std::vector<Windowed> all;
  for (auto& [gateway, own] : places) {
    const auto time_of = [&](size_t place) { return readings[place].reading.timestamp.value; };
    std::ranges::stable_sort(own, {}, time_of);
    std::vector<std::vector<size_t>> sessions;
    for (size_t i = 0; i < own.size(); ++i) {
      if (i == 0 || time_of(own[i]) - time_of(own[i - 1]) > view.session_gap_ms) sessions.emplace_back();
      sessions.back().push_back(own[i]);
    }
    for (std::vector<size_t>& session : sessions) {
      Windowed& window = all.emplace_back(Windowed{time_of(session.front()), time_of(session.back()), {}});
      std::ranges::sort(session);
      for (const size_t place : session) window.readings.push_back(readings[place].reading);
    }
  }
  return all;
}

std::string number(double value) {
  std::string text;
  append_json_number(text, value);
  return text;
}

template <class Items, class Text>
std::string list(const Items& items, size_t most, Text text) {
  std::string out;
  size_t size = 0;
  for (const auto& item : items) {
    if (size++ == most) break;
    out += (out.empty() ? "[" : ",") + text(item);
  }
  return out + "]";
}

/// By time, of each time the greatest.
std::map<int64_t, double> by_time(const std::vector<Reading>& readings) {
  std::map<int64_t, double> values;
  for (const Reading& reading : readings) {
    const auto [found, added] = values.try_emplace(reading.timestamp.value, reading.value);
    if (!added) found->second = std::max(found->second, reading.value);
  }
  return values;
}

std::string register_values(const Windowed& window) {
  const auto values = by_time(window.readings);
  std::map<int64_t, int64_t> whole;
  for (const auto& [time_ms, value] : values) whole[time_ms] = static_cast<int64_t>(value);
  Int128 grown = 0;
  int64_t turned = 0;
  for (auto next = values.begin(); next != values.end() && std::next(next) != values.end(); ++next) {
    const Int128 step =
        Decimal::from_double(std::next(next)->second)->units() - Decimal::from_double(next->second)->units();
    if (step > 0) grown += step;
    const int64_t before = static_cast<int64_t>(next->second);
    const int64_t after = static_cast<int64_t>(std::next(next)->second);
    if (after > before) turned += after - before;
    if (after < before && before < 1'000 && after >= 0) turned += after + 1'000 - before;
  }
  const bool known = values.size() > 1;
  const double increase = Decimal::from_units(grown).to_double();
  const double elapsed_s = static_cast<double>(values.rbegin()->first - values.begin()->first) / 1000;
  long double held = 0;
  for (auto next = values.begin(); next != values.end(); ++next) {
    const int64_t until_ms = std::next(next) == values.end() ? window.end_ms : std::next(next)->first;
    held += static_cast<long double>(until_ms - next->first) * next->second;
  }
  return fmt::format(
      R"("increase":{},"turns":{},"rate":{},"held":{})", known ? number(increase) : "null",
      known ? std::to_string(turned) : "null", known ? number(increase / elapsed_s) : "null",
      // Of a session whose readings have one time that time's value.
      number(window.end_ms == values.begin()->first
                 ? values.begin()->second
                 : static_cast<double>(held / static_cast<long double>(window.end_ms - values.begin()->first))));
}

double percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const double low = values[static_cast<size_t>(std::floor(place))];
  return low + (values[static_cast<size_t>(std::ceil(place))] - low) * (place - std::floor(place));
}

std::string offset_values(const std::vector<Reading>& readings) {
  const Reading& last = readings.back();
  return fmt::format(
      R"(,"latest":{},"earliest":"{}","at":"{}","above":{},"three":{})", number(last.value),
      readings.front().series.metric_attribute, format_timestamp(last.timestamp), last.value > 0,
      list(readings, 3, [](const Reading& one) { return std::to_string(static_cast<int64_t>(one.value)); }));
}

std::map<std::string, std::string> expected_values(const std::vector<Windowed>& windows, bool by_offset = true) {
  std::map<std::string, std::string> values;
  for (const Windowed& window : windows) {
    std::map<std::string, int> attributes;
    std::multiset<double, std::greater<>> sorted;
    std::set<int64_t, std::greater<>> classes;
    std::set<std::string> positive;
    Decimal sum;
    for (const Reading& reading : window.readings) {
      ++attributes[reading.series.metric_attribute];
      sorted.insert(reading.value);
      classes.insert(static_cast<int64_t>(reading.value) % 5);
      if (reading.value > 0) positive.insert(reading.series.metric_attribute);
      sum = sum + Decimal::from_double(reading.value).value();
    }
    if (std::set<double>(sorted.begin(), sorted.end()).size() <= 1) continue;
    const std::string start = fmt::format(R"({{"gateway":"{}","ws":"{}")", window.readings.front().series.gateway,
                                          format_timestamp(EventTime(window.start_ms)));
    std::string histogram;
    for (const auto& [attribute, count] : attributes)
      histogram += fmt::format("{}\"{}\":{}", histogram.empty() ? "" : ",", attribute, count);
    const std::vector<double> all(sorted.begin(), sorted.end());
    values[start] = fmt::format(
        R"({},"n":{},"least":"{}","most":{},"attributes":{},"classes":{},{},"p90":{},"top":{},"classes2":{},"histogram":{{{}}},"sum":{},"twice":{}{}}})",
        start, window.readings.size(), attributes.begin()->first,
        positive.empty() ? "null" : "\"" + *positive.rbegin() + "\"", attributes.size(), classes.size(),
        register_values(window), number(percentile(all, 0.9)), list(sorted, 3, number),
        list(classes, 2, [](int64_t one) { return std::to_string(one); }), histogram, sum.text(),
        attributes.begin()->first == "x.y" ? number(percentile(all, 0.5) * 2) : "null",
        by_offset ? offset_values(window.readings) : "");
  }
  return values;
}

PassTaskOptions random_options() {
  PassTaskOptions options;
  options.batch_records = *rc::gen::element<size_t>(1, 5, 30, 2'048);
  options.read_bytes = *rc::gen::element<size_t>(1, 1'000, 1'000'000);
  options.commit_bytes = *rc::gen::element<size_t>(1, 5'000, 10'000'000);
  options.commit_interval_ms = *rc::gen::element<int64_t>(0, 1'000'000);
  options.snapshot_share = *rc::gen::element(0.0, 1e9);
  options.snapshot_min_records = *rc::gen::element<int64_t>(1, 50);
  options.memory_limit_bytes = *rc::gen::element<size_t>(0, 1, 20'000);
  options.state_keeping = *rc::gen::element(StateKeeping::kSnapshots, StateKeeping::kChangelog);
  return options;
}

/// A chain of two sizes, hopping windows, and refinements of both kinds.
std::vector<ViewSpec> all_views() {
  return views_of(
      table("minutes", "TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 SECONDS)", "FINAL") +
      table("fives", "TUMBLING (SIZE 5 MINUTES, GRACE PERIOD 5 SECONDS)", "FINAL") +
      table("hops", "HOPPING (SIZE 5 MINUTES, ADVANCE BY 77 SECONDS, GRACE PERIOD 5 SECONDS)", "FINAL") +
      table("refined", "TUMBLING (SIZE 5 MINUTES, GRACE PERIOD 20 SECONDS)", "CHANGES") +
      table("hopsRefined", "HOPPING (SIZE 3 MINUTES, ADVANCE BY 1 MINUTE, GRACE PERIOD 0 SECONDS)", "CHANGES"));
}

TEST(SampledAggregates, AgreeWithTheReadingsForEveryBatchCommitStopAndBudget) {
  const auto all = all_views();
  ASSERT_EQ(chains_of(all).size(), 4U);
  EXPECT_TRUE(rc::check([&](uint32_t seed) {
    // The chain of two, or one of the others.
    const size_t first = *rc::gen::element<size_t>(0, 2, 3, 4);
    const std::vector<ViewSpec> views(all.begin() + static_cast<ptrdiff_t>(first),
                                      all.begin() + static_cast<ptrdiff_t>(first == 0 ? 2 : first + 1));
    const auto readings = random_readings(150, seed, kStart);
    EngineFixture engine;
    engine.append(readings, 1);
    PassTaskOptions options = random_options();
    for (int stops = *rc::gen::inRange(0, 4); stops > 0; --stops) {
      RC_ASSERT(engine.pipeline->run(views, options, *rc::gen::inRange(0, 6)).has_value());
      options = random_options();
    }
    RC_ASSERT(engine.pipeline->run(views, options).has_value());
    for (const ViewSpec& view : views) {
      RC_ASSERT(engine.last_values(view.topic) == expected_values(windows_of(readings, view)));
      RC_ASSERT(engine.pipeline->accounting().at(view.name).balanced());
    }
  }));
}

TEST(SampledAggregates, AreTheSameForEveryOrderAndPartitioning) {
  const auto views =
      views_of(table("fives", "TUMBLING (SIZE 5 MINUTES, GRACE PERIOD 1000 DAYS)", "FINAL", false) +
               table("hops", "HOPPING (SIZE 5 MINUTES, ADVANCE BY 2 MINUTES, GRACE PERIOD 1000 DAYS)", "FINAL", false));
  EXPECT_TRUE(rc::check([&](uint32_t seed, uint8_t partitions) {
    auto readings = random_readings(100, seed, kStart);
    std::vector<std::map<std::string, std::string>> expected;
    for (const ViewSpec& view : views) expected.push_back(expected_values(windows_of(readings, view), false));
    std::mt19937_64 random(seed);
    std::shuffle(readings.begin(), readings.end(), random);
    EngineFixture engine;
    engine.append(readings, 1 + partitions % 3);
    RC_ASSERT(engine.pipeline->run(views, random_options()).has_value());
    for (size_t view = 0; view < views.size(); ++view)
      RC_ASSERT(engine.last_values(views[view].topic) == expected[view]);
  }));
}

TEST(SampledAggregates, OfSessionsAgreeWithTheReadingsForEveryOrderCommitAndStop) {
  const auto views = views_of(table("sessions", "SESSION (40 SECONDS, GRACE PERIOD 1000 DAYS)", "FINAL"));
  EXPECT_TRUE(rc::check([&](uint32_t seed) {
    auto readings = random_readings(150, seed, kStart);
    std::mt19937_64 random(seed);
    if (*rc::gen::arbitrary<bool>()) std::shuffle(readings.begin(), readings.end(), random);
    EngineFixture engine;
    engine.append(readings, 1);
    for (int stops = *rc::gen::inRange(0, 4); stops > 0; --stops)
      RC_ASSERT(engine.pipeline->run(views, random_options(), *rc::gen::inRange(0, 6)).has_value());
    RC_ASSERT(engine.pipeline->run(views, random_options()).has_value());
    RC_ASSERT(engine.last_values("sessions") == expected_values(sessions_of(readings, views[0])));
  }));
}

TEST(SampledAggregates, WhatSessionsRememberLeavesTheStateWithThem) {
  const auto views = views_of(table("sessions", "SESSION (40 SECONDS, GRACE PERIOD 0 SECONDS)", "FINAL"));
  EngineFixture engine;
  const auto state_keys = [&] {
    size_t keys = 0;
    const auto cursor = engine.store.cursor(Space::kState);
    for (cursor->seek(""); cursor->valid(); cursor->next()) ++keys;
    return keys;
  };
  PassTaskOptions options;
  options.commit_interval_ms = 0;
  size_t most = 0;
  for (int64_t round = 0; round < 20; ++round) {
    std::vector<OracleReading> readings;
    // Two sessions that a third reading joins, far behind the ones of the round before.
    for (const int64_t second : {0, 60, 30})
      readings.push_back({{{"g", "GAS", "x.y"}, EventTime(kStart + (round * 1'000 + second) * 1'000), 1.0 + second},
                          IngestTime(kStart + 86'400'000)});
    engine.append(readings, 1);
    ASSERT_TRUE(engine.pipeline->run(views, options, INT64_MAX, false));
    if (round == 1) most = state_keys();
  }
  EXPECT_GT(most, 5U);
  EXPECT_EQ(state_keys(), most);
}

class LargeSampleSets : public testing::TestWithParam<std::string> {};

// In the state that is written with each commit such sets have many parts.
TEST_P(LargeSampleSets, OutliveRestartsWithEveryCommit) {
  const auto views = views_of(table("day", GetParam(), "FINAL"));
  std::mt19937_64 random(5);
  std::vector<OracleReading> readings;
  for (int64_t i = 0; i < 3'000; ++i) {
    // Mostly in order, and some that belong far back.
    const int64_t second = i % 10 == 0 ? static_cast<int64_t>(random() % 3'000) : i;
    const double value = static_cast<double>(random() % 2'000) / 16 - 20;
    readings.push_back({{{"g", "GAS", i % 3 == 0 ? "x.y" : "z"}, EventTime(kStart + second * 1'000), value},
                        IngestTime(kStart + 86'400'000)});
  }
  const auto expected =
      expected_values(views[0].is_session() ? sessions_of(readings, views[0]) : windows_of(readings, views[0]));
  ASSERT_EQ(expected.size(), 1U);
  EngineFixture engine;
  engine.append(readings, 1);
  PassTaskOptions options;
  options.read_bytes = 1;
  options.commit_interval_ms = 0;
  options.state_keeping = StateKeeping::kChangelog;
  for (const size_t memory_bytes : {0, 1, 50'000}) {
    options.memory_limit_bytes = memory_bytes;
    ASSERT_TRUE(engine.pipeline->run(views, options, 40));
  }
  ASSERT_TRUE(engine.pipeline->run(views, options));
  EXPECT_EQ(engine.last_values("day"), expected);
}

INSTANTIATE_TEST_SUITE_P(SampledAggregates, LargeSampleSets,
                         testing::Values("TUMBLING (SIZE 1 DAY, GRACE PERIOD 1000 DAYS)",
                                         "SESSION (1 HOUR, GRACE PERIOD 1000 DAYS)"));

TEST(SampledAggregates, TablesWithoutWindowsRememberAcrossRuns) {
  const auto views = views_of(
      "CREATE TABLE known AS SELECT gateway, COUNT(*) AS n, COUNT_DISTINCT(metricAttribute) AS attributes, "
      "LATEST_BY_OFFSET(value) AS latest, TOPK(value, 2) AS top FROM metrics GROUP BY gateway;");
  EngineFixture engine;
  const auto reading = [](double value, const std::string& attribute) {
    return OracleReading{{{"g", "GAS", attribute}, EventTime(kStart), value}, IngestTime(kStart)};
  };
  engine.append({reading(5, "a"), reading(7, "b")}, 1);
  ASSERT_TRUE(engine.pipeline->run(views, {}));
  engine.append({reading(6, "b")}, 1);
  ASSERT_TRUE(engine.pipeline->run(views, {}));
  EXPECT_EQ(engine.last_values("known").begin()->second,
            R"({"gateway":"g","n":3,"attributes":2,"latest":6,"top":[7,6]})");
}

TEST(SampledAggregates, AreNullWithoutValuesAndLeaveOutWhatIsBeyondRange) {
  const auto views = views_of(
      "CREATE TABLE t AS SELECT gateway, COUNT(*) AS n, MIN(NULLIF(gateway, 'g')) AS least, "
      "COUNT_DISTINCT(NULLIF(gateway, 'g')) AS many, LATEST_BY_OFFSET(NULLIF(gateway, 'g')) AS latest, "
      "INCREASE(value) AS increase, RATE(value) AS rate, PERCENTILE(value * 1e15, 0.5) AS p, "
      "TOPK(NULLIF(gateway, 'g'), 2) AS top, HISTOGRAM(NULLIF(gateway, 'g')) AS histogram, "
      "INCREASE(CAST(value AS BIGINT) * 5000000000000) AS large FROM metrics "
      "WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway EMIT FINAL;");
  EngineFixture engine;
  engine.append({{{{"g", "GAS", "x"}, EventTime(kStart), 1e6}, IngestTime(kStart)}}, 1);
  for (const double value : {-1.5e6, 1.5e6})
    engine.append({{{{"h", "GAS", "x"}, EventTime(kStart + (value > 0 ? 500 : 0)), value}, IngestTime(kStart)}}, 1);
  ASSERT_TRUE(engine.pipeline->run(views, {}));
  std::vector<std::string> found;
  for (const auto& [key, value] : engine.last_values("t")) found.push_back(value);
  EXPECT_EQ(
      found,
      (std::vector<std::string>{
          R"({"gateway":"g","n":1,"least":null,"many":0,"latest":null,"increase":null,"rate":null,"p":null,"top":null,"histogram":null,"large":null})",
          R"({"gateway":"h","n":2,"least":"h","many":1,"latest":"h","increase":3e+06,"rate":6e+06,"p":null,"top":["h","h"],"histogram":{"h":2},"large":null})"}));
  // Three values for the percentile, and an increase beyond BIGINT.
  EXPECT_EQ(engine.pipeline->accounting().at("t").faults, 4);
}

std::string error_of(const std::string& aggregate, const std::string& window = "WINDOW TUMBLING (SIZE 1 HOUR)") {
  const auto program = compile_sql(
      fmt::format("CREATE STREAM metrics;\nCREATE TABLE t AS SELECT {} AS x FROM metrics {} GROUP BY gateway;",
                  aggregate, window),
      "f.sql");
  return program ? "no error" : program.error().message;
}

TEST(SampledAggregatesError, PointsAtArgumentsThatDoNotFit) {
  EXPECT_THAT(error_of("PERCENTILE(value)"), HasSubstr("2:26: PERCENTILE takes a value and the share"));
  EXPECT_THAT(error_of("PERCENTILE(value, 95)"), HasSubstr("2:44: the second argument of PERCENTILE is a constant"));
  EXPECT_THAT(error_of("TOPK(value, 0)"), HasSubstr("2:38: the second argument"));
  EXPECT_THAT(error_of("TOPK(value, 2.5)"), HasSubstr("2:38: the second argument"));
  EXPECT_THAT(error_of("TOPK(value, value)"), HasSubstr("2:38: the second argument"));
  EXPECT_THAT(error_of("INCREASE(CAST(value AS BIGINT), 0.5)"), HasSubstr("2:58: the second argument"));
  EXPECT_THAT(error_of("INCREASE(gateway)"), HasSubstr("2:26: INCREASE needs a number, this is VARCHAR"));
  EXPECT_THAT(error_of("HISTOGRAM(value)"), HasSubstr("2:26: HISTOGRAM needs a text"));
  EXPECT_THAT(error_of("MAX(value > 1)"), HasSubstr("2:26: MAX needs a number, a text or a time, this is BOOLEAN"));
  EXPECT_THAT(error_of("COUNT_DISTINCT(value, 2)"), HasSubstr("2:26: COUNT_DISTINCT takes one argument, not 2"));
  EXPECT_THAT(error_of("INCREASE(*)"), HasSubstr("2:26: INCREASE(*) has no meaning"));
}

TEST(SampledAggregatesError, RefusesListsInCalculationsAndReadingsWithoutAWindow) {
  EXPECT_THAT(error_of("LEN(TOPK(value, 3))"), HasSubstr("2:30: TOPK gives a JSON array"));
  EXPECT_THAT(error_of("HISTOGRAM(gateway) IS NULL"), HasSubstr("2:26: HISTOGRAM gives a JSON object"));
  EXPECT_THAT(error_of("COALESCE(LATEST_BY_OFFSET(gateway, 2), 'x')"), HasSubstr("gives a JSON array"));
  EXPECT_EQ(error_of("LEN(LATEST_BY_OFFSET(gateway))"), "no error");
  EXPECT_THAT(error_of("INCREASE(value)", ""), HasSubstr("2:26: INCREASE remembers each reading of its window"));
  EXPECT_EQ(error_of("PERCENTILE(value, 0.5)", ""), "no error");
}

TEST(SampledAggregates, AggregatesThatNeedTheSameSamplesShareThem) {
  const auto views = views_of(table("minutes", "TUMBLING (SIZE 1 MINUTE)", "FINAL"));
  const ChainSamples samples({&views[0]});
  // INCREASE, RATE and TIME_WEIGHTED_AVG of one value; two percentiles of it.
  const auto& sets = samples.sets_of(0);
  std::map<std::string, size_t> set_of;
  for (size_t i = 0; i < views[0].aggregates.size(); ++i)
    set_of[to_text(views[0].aggregates[i], views[0].row_columns())] = sets[i];
  EXPECT_EQ(set_of.at("INCREASE(value)"), set_of.at("RATE(value)"));
  EXPECT_EQ(set_of.at("INCREASE(value)"), set_of.at("TIME_WEIGHTED_AVG(value)"));
  EXPECT_EQ(set_of.at("PERCENTILE(value, 0.9)"), set_of.at("PERCENTILE(value, 0.5)"));
  EXPECT_NE(set_of.at("INCREASE(value)"), set_of.at("INCREASE(CAST(value AS BIGINT), 1000)"));
}

}  // namespace
}  // namespace meterstream
