// Windows of local days through the whole engine, against the oracle, which asks the calendar for each reading.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "metering/timestamp.h"
#include "testing/faulty_key_value_store.h"
#include "testing/random_readings.h"
#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;

int64_t at(const char* text) {
  return parse_timestamp(text).value().value;
}

struct Engine {
  FaultyKeyValueStore store;
  ManualClock clock{IngestTime(0)};
  std::unique_ptr<ViewPipeline> pipeline = ViewPipeline::open(store, clock).value();

  void append(const std::vector<OracleReading>& readings) {
    constexpr size_t kAtOnce = 20;
    for (size_t first = 0; first < readings.size(); first += kAtOnce) {
      const auto begin = readings.begin() + static_cast<ptrdiff_t>(first);
      const auto end = readings.begin() + static_cast<ptrdiff_t>(std::min(first + kAtOnce, readings.size()));
      ASSERT_TRUE(pipeline->append({begin, end}, 1));
    }
  }
};

ViewSpec local_view(const std::shared_ptr<const StreamSpec>& stream, const std::string& zone, int64_t days,
                    int64_t grace_ms) {
  ViewSpec view = standard_view(stream, days * kDay, grace_ms);
  view.name = "local";
  view.topic = "local";
  view.time_zone = zone;
  return view;
}

/// Some days about a change of the clocks, in disorder of up to hours.
std::vector<OracleReading> random_input(size_t count) {
  const int64_t start_ms =
      at(*rc::gen::element("2024-03-29T12:00:00Z", "2024-10-25T12:00:00Z", "2024-11-02T00:00:00Z"));
  auto readings = random_readings(count, *rc::gen::arbitrary<uint32_t>(), start_ms);
  const auto stretched = [&](int64_t time_ms) { return start_ms + (time_ms - start_ms) * 400; };
  for (OracleReading& item : readings) {
    item.reading.timestamp = EventTime(stretched(item.reading.timestamp.value));
    item.ingest_time = IngestTime(stretched(item.ingest_time.value));
  }
  return readings;
}

ViewSpec random_view(const std::shared_ptr<const StreamSpec>& stream) {
  const std::string zone =
      *rc::gen::element<std::string>("Europe/Athens", "America/St_Johns", "Asia/Kathmandu", "+05:30");
  return local_view(stream, zone, *rc::gen::element<int64_t>(1, 1, 2), *rc::gen::element<int64_t>(0, kHour, 7 * kHour));
}

PassTaskOptions random_options() {
  PassTaskOptions options;
  options.batch_records = *rc::gen::element<size_t>(1, 5, 30, 2'048);
  options.read_bytes = *rc::gen::element<size_t>(1, 1'000, 1'000'000);
  options.commit_bytes = *rc::gen::element<size_t>(1, 5'000, 10'000'000);
  options.commit_interval_ms = *rc::gen::element<int64_t>(0, 1'000'000);
  options.snapshot_share = *rc::gen::element(0.0, 1e9);
  options.snapshot_min_records = *rc::gen::element<int64_t>(1, 50);
  options.state_keeping = *rc::gen::element(StateKeeping::kSnapshots, StateKeeping::kChangelog);
  return options;
}

TEST(LocalDayView, AgreesWithTheOracleBesideTumblingViews) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(300);
    const auto stream = standard_stream();
    const std::vector<ViewSpec> views = {standard_view(stream, kHour, kHour), standard_view(stream, kDay, kHour),
                                         random_view(stream)};
    Engine engine;
    engine.append(readings);
    RC_ASSERT(engine.pipeline->run(views, random_options()).has_value());
    for (const ViewSpec& view : views) {
      const OracleAnswer expected = ask_oracle(readings, OracleView(view));
      RC_ASSERT(*engine.pipeline->read_windows(view.topic) == expected.windows);
      RC_ASSERT(engine.pipeline->accounting().at(view.name) == expected.accounting);
      RC_ASSERT(engine.pipeline->read_topic(view.late_topic())->size() == expected.late.size());
    }
  }));
}

TEST(LocalDayView, GivesTheSameRecordsWhenStoppedAnywhereAndStartedAgain) {
  EXPECT_TRUE(rc::check([] {
    const auto readings = random_input(240);
    const ViewSpec view = random_view(standard_stream());
    Engine straight;
    Engine restarted;
    straight.append(readings);
    restarted.append(readings);
    RC_ASSERT(straight.pipeline->run({view}, random_options()).has_value());
    for (int i = 0; i < 4; ++i) {
      PassTaskOptions options = random_options();
      options.read_bytes = 1;
      RC_ASSERT(restarted.pipeline->run({view}, options, *rc::gen::inRange(0, 6)).has_value());
    }
    RC_ASSERT(restarted.pipeline->run({view}, random_options()).has_value());
    RC_ASSERT(*straight.pipeline->read_topic(view.topic) == *restarted.pipeline->read_topic(view.topic));
    RC_ASSERT(straight.pipeline->accounting() == restarted.pipeline->accounting());
  }));
}

TEST(LocalDayView, DaysHave23And25HoursWhenClocksChange) {
  ViewSpec view = local_view(standard_stream(), "Europe/Athens", 1, 0);
  view.partitions = 1;
  std::vector<OracleReading> readings;
  for (const char* first : {"2024-03-30T00:00:00Z", "2024-10-26T00:00:00Z"}) {
    for (int64_t hour = 0; hour < 72; ++hour) {
      const int64_t time_ms = at(first) + hour * kHour;
      readings.push_back({{{"g", "GAS", "GAS_IDD"}, EventTime(time_ms), 1}, IngestTime(time_ms)});
    }
  }
  Engine engine;
  engine.append(readings);
  ASSERT_TRUE(engine.pipeline->run({view}, {}));
  std::vector<std::string> days;
  const auto records = engine.pipeline->read_topic(view.topic).value();
  for (const auto& record : records) days.push_back(record.value.substr(0, record.value.find(",\"min\"")));
  const auto day = [](const std::string& start, const std::string& end, int samples) {
    return R"({"windowStart":")" + start + R"(","windowEnd":")" + end + R"(","sampleCount":)" + std::to_string(samples);
  };
  EXPECT_EQ(days, (std::vector<std::string>{day("2024-03-29T22:00:00Z", "2024-03-30T22:00:00Z", 22),
                                            day("2024-03-30T22:00:00Z", "2024-03-31T21:00:00Z", 23),
                                            day("2024-03-31T21:00:00Z", "2024-04-01T21:00:00Z", 24),
                                            day("2024-04-01T21:00:00Z", "2024-04-02T21:00:00Z", 3),
                                            day("2024-10-25T21:00:00Z", "2024-10-26T21:00:00Z", 21),
                                            day("2024-10-26T21:00:00Z", "2024-10-27T22:00:00Z", 25),
                                            day("2024-10-27T22:00:00Z", "2024-10-28T22:00:00Z", 24),
                                            day("2024-10-28T22:00:00Z", "2024-10-29T22:00:00Z", 2)}));
}

}  // namespace
}  // namespace meterstream
