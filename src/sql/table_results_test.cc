// What tables with calculations, HAVING and groups of all kinds answer: SQL through the whole engine, beside an oracle that
// goes from reading to reading.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/json_encoder.h"
#include "metering/timestamp.h"
#include "sql/stream_plan.h"
#include "testing/faulty_key_value_store.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kStart = 1'700'000'040'000 / 3'600'000 * 3'600'000;

struct EngineFixture {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(kStart)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();

  /// Values by window and key are what the oracles below give; a record that is there twice fails.
  std::map<std::string, int> values(const std::string& topic) {
    std::map<std::string, int> values;
    const auto records = pipeline->read_topic(topic).value();
    for (const auto& record : records) ++values[record.key + ' ' + record.value];
    return values;
  }
};

std::vector<ViewSpec> views_of(const std::string& tables) {
  auto program = compile_sql("CREATE STREAM metrics WITH (topic = 'metrics');" + tables, "f.sql");
  EXPECT_TRUE(program) << program.error().message;
  return program ? program->views : std::vector<ViewSpec>();
}

OracleView oracle_view(const ViewSpec& view) {
  OracleView oracle;
  oracle.size_ms = view.window_size_ms;
  oracle.grace_ms = view.grace_ms;
  oracle.max_ahead_ms = view.source->max_ahead_ms;
  return oracle;
}

std::string number(double value) {
  std::string text;
  append_json_number(text, value);
  return text;
}

double nearest_double(const Decimal& decimal) {
  return std::strtod(decimal.text().c_str(), nullptr);
}

std::string capitals(std::string text) {
  for (char& character : text) {
    if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 32);
  }
  return text;
}

std::string calculating_table(const std::string& name, const std::string& size, const std::string& having,
                              const std::string& emit) {
  return fmt::format(
      "CREATE TABLE {} AS SELECT SUM(value) / COUNT(*) AS mean, SUM(value) AS sum, MAX(value) - MIN(value) AS spread, "
      "CASE WHEN MAX(value) > 100 THEN 'OVER' ELSE 'OK' END AS state, UCASE(gateway) AS loud, AVG(value) * 1000 AS "
      "permille, "
      "WINDOWSTART AS \"from\", AVG(value) AS average FROM metrics WINDOW TUMBLING (SIZE {}, GRACE PERIOD 5 SECONDS) "
      "GROUP BY gateway, metricType, metricAttribute {} EMIT {};",
      name, size, having, emit);
}

std::string expected_value(int64_t start_ms, const std::string& key, const OracleWindow& window) {
  return fmt::format(
      R"({{"mean":{},"sum":{},"spread":{},"state":"{}","loud":"{}","permille":{},"from":"{}","average":{}}})",
      number(nearest_double(window.sum) / static_cast<double>(window.count)), window.sum.text(),
      number(window.max - window.min), window.max > 100 ? "OVER" : "OK", capitals(key.substr(0, key.find('.'))),
      number(nearest_double(window.sum.divided_by(window.count)) * 1000), format_timestamp(EventTime(start_ms)),
      window.sum.divided_by(window.count).text());
}

template <class Passes>
std::map<std::string, int> expected_values(const OracleAnswer& answer, Passes passes) {
  std::map<std::string, int> values;
  for (const auto& [place, window] : answer.windows) {
    if (passes(window)) ++values[place.second + ' ' + expected_value(place.first, place.second, window)];
  }
  return values;
}

bool is_crowded_and_low(const OracleWindow& window) {
  return window.count >= 2 && window.min < -700;
}

TEST(TableResults, CalculationsAndHavingAgreeWithTheOracleInEveryViewOfAChain) {
  const std::string having = "HAVING COUNT(*) >= 2 AND MIN(value) < -700";
  const auto views = views_of(calculating_table("minutes", "1 MINUTE", having, "FINAL") +
                              calculating_table("fives", "5 MINUTES", "", "FINAL") +
                              calculating_table("hours", "1 HOUR", having, "FINAL"));
  ASSERT_EQ(chains_of(views).size(), 1U);
  EXPECT_TRUE(rc::check([&](uint32_t seed, uint8_t batch, uint16_t memory, bool changelog) {
    const auto readings = random_readings(400, seed, kStart);
    EngineFixture setup;
    RC_ASSERT(setup.pipeline->append(readings, 1).has_value());
    PassTaskOptions options;
    options.batch_records = 1 + batch % 64;
    options.read_bytes = 1 + seed % 5'000;
    options.commit_interval_ms = 0;
    options.snapshot_min_records = 1 + seed % 100;
    options.memory_limit_bytes = memory % 2 == 0 ? 0 : memory;
    if (changelog) options.state_keeping = StateKeeping::kChangelog;
    // Some steps, and then from where these stood.
    RC_ASSERT(setup.pipeline->run(views, options, seed % 7).has_value());
    RC_ASSERT(setup.pipeline->run(views, options).has_value());
    for (const ViewSpec& view : views) {
      const OracleAnswer answer = ask_oracle(readings, oracle_view(view));
      const auto expected = view.having == nullptr ? expected_values(answer, [](const OracleWindow&) { return true; })
                                                   : expected_values(answer, is_crowded_and_low);
      RC_ASSERT(setup.values(view.topic) == expected);
      ViewAccounting accounting = answer.accounting;
      accounting.results = static_cast<int64_t>(expected.size());
      RC_ASSERT(setup.pipeline->accounting().at(view.name) == accounting);
    }
  }));
}

TEST(TableResults, ManyGroupsAreCalculatedBatchByBatch) {
  const auto views = views_of(calculating_table("minutes", "1 MINUTE", "HAVING COUNT(*) >= 2", "FINAL"));
  std::vector<OracleReading> readings;
  constexpr int kGateways = 5'000;
  for (int i = 0; i < 3 * kGateways; ++i) {
    if (i % 2 == 0 && i >= 2 * kGateways) continue;
    const std::string gateway = "g" + std::to_string(i % kGateways);
    readings.push_back({{{gateway, "GAS", "GAS_IDD"}, EventTime(kStart + i), i / 8.0}, IngestTime(kStart + 60'000)});
    if (i % kGateways % 3 == 0 && i < 2 * kGateways) readings.pop_back();
  }
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 1));
  ASSERT_TRUE(setup.pipeline->run(views, {}));
  const auto expected = expected_values(ask_oracle(readings, oracle_view(views[0])),
                                        [](const OracleWindow& window) { return window.count >= 2; });
  ASSERT_GT(expected.size(), 3'000U);
  EXPECT_EQ(setup.values("minutes"), expected);
}

TEST(TableResults, RefinementsPassHavingOneByOne) {
  const auto views = views_of(calculating_table("minutes", "1 MINUTE", "HAVING COUNT(*) >= 2", "CHANGES"));
  const auto readings = random_readings(300, 5, kStart);
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 1));
  PassTaskOptions options;
  options.batch_records = 1;
  ASSERT_TRUE(setup.pipeline->run(views, options));
  // One by one, each reading but the first of a window gives a result.
  const OracleAnswer answer = ask_oracle(readings, oracle_view(views[0]));
  int64_t refinements = 0;
  for (const auto& [place, window] : answer.windows) refinements += window.count - 1;
  const auto values = setup.values("minutes");
  int64_t found = 0;
  for (const auto& [value, count] : values) found += count;
  EXPECT_EQ(found, refinements);
  EXPECT_EQ(setup.pipeline->accounting().at("minutes").results, refinements);
  for (const auto& [value, count] :
       expected_values(answer, [](const OracleWindow& window) { return window.count >= 2; }))
    EXPECT_TRUE(values.contains(value)) << value;
}

TEST(TableResults, ResultsWithoutValueAreNullAndCounted) {
  const auto views = views_of(
      "CREATE TABLE t AS SELECT gateway, 1 / (COUNT(*) - 1) AS share, SUM(CAST(value AS BIGINT) * 4000000000000000000) "
      "+ 1 AS large FROM metrics WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 0 SECONDS) GROUP BY gateway "
      "HAVING SUM(CAST(value AS BIGINT) * 4000000000000000000) > 0 OR COUNT(*) <> 3 EMIT FINAL;");
  std::vector<OracleReading> readings;
  for (const int count : {1, 2, 3}) {
    for (int i = 0; i < count; ++i) {
      readings.push_back({{{"g" + std::to_string(count), "GAS", "x"}, EventTime(kStart + i), 1}, IngestTime(kStart)});
    }
  }
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 1));
  ASSERT_TRUE(setup.pipeline->run(views, {}));
  // The sum of three leaves BIGINT, so HAVING does not hold for g3: NULL or FALSE.
  EXPECT_EQ(setup.values("t"),
            (std::map<std::string, int>{{R"(g1 {"gateway":"g1","share":null,"large":4000000000000000001})", 1},
                                        {R"(g2 {"gateway":"g2","share":1,"large":8000000000000000001})", 1}}));
  EXPECT_EQ(setup.pipeline->accounting().at("t").faults, 2);
  EXPECT_EQ(setup.pipeline->accounting().at("t").results, 2);
}

/// The readings that count in a view, which is what the oracle did not find late or rejected.
std::vector<Reading> counted_readings(const std::vector<OracleReading>& readings, const ViewSpec& view) {
  const OracleAnswer answer = ask_oracle(readings, oracle_view(view));
  std::set<size_t> left_out(answer.late.begin(), answer.late.end());
  left_out.insert(answer.rejected.begin(), answer.rejected.end());
  std::vector<Reading> counted;
  for (size_t index = 0; index < readings.size(); ++index) {
    if (!left_out.contains(index)) counted.push_back(readings[index].reading);
  }
  return counted;
}

std::string spread_table(const std::string& name, const std::string& size) {
  return fmt::format(
      "CREATE TABLE {} AS SELECT VAR_POP(value) AS p, VAR_SAMP(value) AS s, STDDEV_POP(value) AS dp, "
      "STDDEV_SAMP(value) AS ds, STDDEV_SAMP(CAST(value AS BIGINT)) AS whole, STDDEV(value) / 2 AS half FROM metrics "
      "WINDOW TUMBLING (SIZE {}, GRACE PERIOD 1000 DAYS) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;",
      name, size);
}

/// Beside two passes of long doubles over the values.
void expect_spreads(const std::vector<double>& values, const std::string& json) {
  const auto field = [&](const std::string& name) {
    const size_t at = json.find("\"" + name + "\":");
    EXPECT_NE(at, std::string::npos) << json;
    const std::string text = json.substr(at + name.size() + 3);
    return text.starts_with("null") ? std::nullopt : std::optional(std::strtod(text.c_str(), nullptr));
  };
  const auto near = [&](std::optional<double> actual, long double expected) {
    ASSERT_TRUE(actual) << json;
    EXPECT_NEAR(*actual, static_cast<double>(expected), std::fabs(static_cast<double>(expected)) * 1e-12) << json;
  };
  const auto variance = [](const std::vector<double>& of) {
    long double mean = 0;
    for (const double value : of) mean += value;
    mean /= static_cast<long double>(of.size());
    long double total = 0;
    for (const double value : of) total += (value - mean) * (value - mean);
    return total / static_cast<long double>(of.size());
  };
  const auto count = static_cast<long double>(values.size());
  near(field("p"), variance(values));
  near(field("dp"), std::sqrt(variance(values)));
  if (values.size() == 1) {
    for (const char* name : {"s", "ds", "whole", "half"}) EXPECT_FALSE(field(name)) << json;
    return;
  }
  near(field("s"), variance(values) * count / (count - 1));
  near(field("ds"), std::sqrt(variance(values) * count / (count - 1)));
  near(field("half"), std::sqrt(variance(values) * count / (count - 1)) / 2);
  std::vector<double> whole;
  whole.reserve(values.size());
  for (const double value : values) whole.push_back(std::trunc(value));
  near(field("whole"), std::sqrt(variance(whole) * count / (count - 1)));
}

TEST(TableResults, SpreadsAgreeWithTwoPassesOverTheReadings) {
  const auto views = views_of(spread_table("hours", "1 HOUR"));
  auto readings = random_readings(500, 3, kStart);
  std::erase_if(readings, [](const OracleReading& item) { return !(std::fabs(item.reading.value) < 1e6); });
  readings.push_back({{{"alone", "GAS", "x"}, EventTime(kStart), 1.5}, IngestTime(kStart)});
  EngineFixture setup;
  ASSERT_TRUE(setup.pipeline->append(readings, 1));
  ASSERT_TRUE(setup.pipeline->run(views, {}));
  std::map<std::pair<int64_t, std::string>, std::vector<double>> expected;
  for (const Reading& reading : counted_readings(readings, views[0]))
    expected[{reading.timestamp.value / 3'600'000, reading.series.text()}].push_back(
        nearest_double(Decimal::from_double(reading.value).value()));
  const auto records = setup.pipeline->read_topic("hours").value();
  ASSERT_EQ(records.size(), expected.size());
  std::map<std::string, std::vector<std::string>> found;
  for (const auto& record : records) found[record.key].push_back(record.value);
  // Of one key windows come in their order.
  std::map<std::string, size_t> next;
  for (const auto& [place, values] : expected) expect_spreads(values, found[place.second].at(next[place.second]++));
}

TEST(TableResults, SpreadsAreTheSameBytesForEveryOrderPartitioningRestartAndChain) {
  const auto chain = views_of(spread_table("minutes", "1 MINUTE") + spread_table("hours", "1 HOUR"));
  ASSERT_EQ(chains_of(chain).size(), 1U);
  const auto alone = views_of(spread_table("hours", "1 HOUR"));
  EXPECT_TRUE(rc::check([&](uint32_t seed, uint8_t partitions, bool changelog, uint16_t memory) {
    auto readings = random_readings(200, seed, kStart);
    EngineFixture straight;
    RC_ASSERT(straight.pipeline->append(readings, 1).has_value());
    RC_ASSERT(straight.pipeline->run(alone, {}).has_value());
    std::mt19937_64 random(seed);
    std::shuffle(readings.begin(), readings.end(), random);
    EngineFixture other;
    for (size_t first = 0; first < readings.size(); first += 50) {
      const auto begin = readings.begin() + static_cast<ptrdiff_t>(first);
      const auto end = readings.begin() + static_cast<ptrdiff_t>(std::min(first + 50, readings.size()));
      RC_ASSERT(other.pipeline->append({begin, end}, 1 + partitions % 3).has_value());
    }
    PassTaskOptions options;
    options.read_bytes = 1;
    options.commit_interval_ms = 0;
    options.snapshot_min_records = 1;
    options.memory_limit_bytes = memory % 2 == 0 ? 0 : memory;
    if (changelog) options.state_keeping = StateKeeping::kChangelog;
    for (int i = 0; i < 3; ++i) RC_ASSERT(other.pipeline->run(chain, options, seed % 4).has_value());
    RC_ASSERT(other.pipeline->run(chain, options).has_value());
    RC_ASSERT(other.values("hours") == straight.values("hours"));
  }));
}

constexpr std::string_view kTypedGroups =
    "CREATE TABLE plain AS SELECT gateway, metricType, metricAttribute, COUNT(*) AS n FROM metrics "
    "WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 SECONDS) GROUP BY gateway, metricType, metricAttribute EMIT FINAL;"
    "CREATE TABLE typed AS SELECT COUNT(*) AS n, SUM(value) AS sum, value > 0 AS above, timestamp AS at, "
    "CAST(value / 100 AS BIGINT) AS class, CAST(value / 100 AS BIGINT) * 2 AS twice, "
    "FORMAT_TIMESTAMP(timestamp, 'HH:mm') AS clock, CASE WHEN MINUTE(timestamp) < 5 THEN MINUTE(timestamp) END AS "
    "early, "
    "CASE WHEN value > 0 THEN 'above' ELSE gateway END AS text "
    "FROM metrics WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 SECONDS) "
    "GROUP BY CASE WHEN MINUTE(timestamp) < 5 THEN MINUTE(timestamp) END, CAST(value / 100 AS BIGINT), timestamp, "
    "value > 0, "
    "gateway, metricType, metricAttribute HAVING value > 0 OR COUNT(*) > 1 EMIT FINAL;"
    "CREATE TABLE wide AS SELECT COUNT(*) AS n, value > 0 AS above FROM metrics "
    "WINDOW TUMBLING (SIZE 5 MINUTES, GRACE PERIOD 5 SECONDS) GROUP BY value > 0, gateway, metricType, metricAttribute "
    "EMIT FINAL;"
    "CREATE TABLE narrow AS SELECT COUNT(*) AS n, value > 0 AS above FROM metrics "
    "WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 5 SECONDS) GROUP BY value > 0, gateway, metricType, metricAttribute "
    "EMIT FINAL;";

struct Accumulated {
  int64_t count = 0;
  Decimal sum;
};

std::map<std::string, int> expected_typed(const std::vector<Reading>& readings) {
  // Of each group: its key, the text of its values, and whether it is above 0.
  std::map<std::tuple<std::string, std::string, bool>, Accumulated> groups;
  for (const Reading& reading : readings) {
    const std::string at = format_timestamp(reading.timestamp);
    const auto minute = reading.timestamp.value / 60'000 % 60;
    const auto value_class = static_cast<int64_t>(reading.value / 100);
    const bool above = reading.value > 0;
    const std::string key = fmt::format("{}.{}.{}.{}.{}", minute < 5 ? std::to_string(minute) : "", value_class, at,
                                        above, reading.series.text());
    const std::string rest =
        fmt::format(R"("above":{},"at":"{}","class":{},"twice":{},"clock":"{}","early":{},"text":"{}"}})", above, at,
                    value_class, value_class * 2, at.substr(11, 5), minute < 5 ? std::to_string(minute) : "null",
                    above ? "above" : reading.series.gateway);
    Accumulated& group = groups[{key, rest, above}];
    ++group.count;
    group.sum = group.sum + Decimal::from_double(reading.value).value();
  }
  std::map<std::string, int> values;
  for (const auto& [group, accumulated] : groups) {
    const auto& [key, rest, above] = group;
    if (above || accumulated.count > 1)
      ++values[fmt::format("{} {{\"n\":{},\"sum\":{},{}", key, accumulated.count, accumulated.sum.text(), rest)];
  }
  return values;
}

std::map<std::string, int> expected_signs(const std::vector<Reading>& readings, int64_t size_ms) {
  std::map<std::tuple<int64_t, std::string, bool>, int64_t> groups;
  for (const Reading& reading : readings)
    ++groups[{reading.timestamp.value / size_ms, fmt::format("{}.{}", reading.value > 0, reading.series.text()),
              reading.value > 0}];
  std::map<std::string, int> values;
  for (const auto& [group, count] : groups)
    ++values[fmt::format("{} {{\"n\":{},\"above\":{}}}", std::get<1>(group), count, std::get<2>(group))];
  return values;
}

TEST(TableResults, GroupsOfAllTypesAgreeWithTheOracle) {
  const auto views = views_of(std::string(kTypedGroups));
  // The two that group by one thing share their windows.
  ASSERT_EQ(chains_of(views).size(), 3U);
  EXPECT_TRUE(rc::check([&](uint32_t seed, uint8_t batch, bool changelog) {
    const auto readings = random_readings(300, seed, kStart);
    EngineFixture setup;
    RC_ASSERT(setup.pipeline->append(readings, 1).has_value());
    PassTaskOptions options;
    options.batch_records = 1 + batch % 64;
    options.read_bytes = 1 + seed % 5'000;
    options.commit_interval_ms = 0;
    options.snapshot_min_records = 1 + seed % 100;
    if (changelog) options.state_keeping = StateKeeping::kChangelog;
    RC_ASSERT(setup.pipeline->run(views, options, seed % 7).has_value());
    RC_ASSERT(setup.pipeline->run(views, options).has_value());
    RC_ASSERT(setup.values("typed") == expected_typed(counted_readings(readings, views[1])));
    RC_ASSERT(setup.values("wide") == expected_signs(counted_readings(readings, views[2]), 300'000));
    RC_ASSERT(setup.values("narrow") == expected_signs(counted_readings(readings, views[3]), 60'000));
    int64_t plain = 0;
    const auto records = setup.pipeline->read_topic("plain").value();
    for (const auto& record : records) {
      const size_t at = record.value.rfind(':');
      plain += std::atoll(record.value.c_str() + at + 1);
    }
    RC_ASSERT(plain == setup.pipeline->accounting().at("plain").aggregated);
  }));
}

TEST(TableResults, GroupsAcrossPartitionsAreInOnePlaceWhateverTheirType) {
  const auto views = views_of(
      "CREATE TABLE signs AS SELECT COUNT(*) AS n, value > 0 AS above FROM metrics "
      "WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 1000 DAYS) GROUP BY value > 0 EMIT FINAL;");
  const auto readings = random_readings(300, 12, kStart);
  std::map<std::string, int> expected;
  {
    std::map<std::pair<int64_t, bool>, int64_t> groups;
    for (const Reading& reading : counted_readings(readings, views[0]))
      ++groups[{reading.timestamp.value / 60'000, reading.value > 0}];
    for (const auto& [group, count] : groups)
      ++expected[fmt::format("{0} {{\"n\":{1},\"above\":{0}}}", group.second, count)];
  }
  for (const int32_t partitions : {1, 3}) {
    EngineFixture setup;
    ASSERT_TRUE(setup.pipeline->append(readings, partitions));
    ASSERT_TRUE(setup.pipeline->run(views, {}));
    EXPECT_EQ(setup.values("signs"), expected) << partitions;
  }
}

}  // namespace
}  // namespace meterstream
