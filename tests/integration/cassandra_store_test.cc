// Tables of aggregates in a real Cassandra node: the contract, and what is Cassandra's own.
#include <chrono>
#include <thread>

#include <gmock/gmock.h>

#include "cassandra_fixture.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"
#include "connectors/cassandra/cassandra_row_writer.h"
#include "connectors/cassandra/cassandra_values.h"
#include "testing/aggregate_store_contract.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CassandraSubject final : public AggregateStoreSubject {
 public:
  AggregateStore& store() override { return store_; }

 private:
  CassandraAggregateStore store_{cassandra_test_settings()};
};

std::unique_ptr<AggregateStoreSubject> make() {
  return std::make_unique<CassandraSubject>();
}

INSTANTIATE_TEST_SUITE_P(Cassandra, AggregateStoreContract, testing::Values(&make));

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kDayMs = 86'400'000;
const AggregateSeries kSeries{"household-1", "ELECTRICITY", "ACTIVE_POWER"};

AggregateEntry entry_at(int64_t start_ms, int64_t count = 1, const AggregateSeries& series = kSeries) {
  return {series, {start_ms, start_ms + kMinuteMs, count, 0.5, 1.5, count * 1'000'000'001, 7}, count};
}

class CassandraStoreTest : public testing::Test {
 protected:
  std::unique_ptr<AggregateTable> create(const AggregateTableDefinition& definition) {
    auto table = store_.create(definition);
    EXPECT_TRUE(table) << table.error().message;
    return table ? *std::move(table) : nullptr;
  }
  static void write(AggregateTable& table, const std::vector<AggregateEntry>& entries) {
    const Status written = table.write(entries);
    ASSERT_TRUE(written) << written.error().message;
    const Status flushed = table.flush();
    ASSERT_TRUE(flushed) << flushed.error().message;
  }
  void execute(const std::string& statement) {
    const Status done = client_.execute(statement);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string named(const std::string& table) const { return settings_.keyspace + "." + table; }

  CassandraSettings settings_ = cassandra_test_settings();
  CassandraAggregateStore store_{settings_};
  CassandraClient client_{settings_};
};

TEST_F(CassandraStoreTest, TimeOfWritingIsTheWindowsEndAndTheRevision) {
  const auto table = create({"stamped", kMinuteMs, AggregateBucket::kDays});
  write(*table, {entry_at(kDayMs, 42)});
  const auto page = client_.select("SELECT WRITETIME(sum), sum FROM " + named("stamped"), {}, 10, {});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->count, 1U);
  CassandraValueReader reader(page->values);
  EXPECT_EQ(reader.bigint(), (kDayMs + kMinuteMs) * 1000 + 42);
  EXPECT_EQ(reader.decimal_units(), 42 * 1'000'000'001LL);
}

TEST_F(CassandraStoreTest, OptionsOfTablesThatExistAreToldAndLeftAlone) {
  const std::vector<AggregateTableDefinition> tables = {{"aged", kMinuteMs, AggregateBucket::kDays}, {"missing"}};
  create(tables[0]);
  EXPECT_THAT(store_.option_differences(tables).value(), IsEmpty());
  CassandraSettings brief = settings_;
  brief.ttl_s = 3'600;
  CassandraAggregateStore other(brief);
  ASSERT_TRUE(other.create({"aged", kMinuteMs, AggregateBucket::kDays}));
  EXPECT_THAT(other.option_differences(std::span(tables).last(1)).value(), IsEmpty());
  const auto differences = other.option_differences(tables);
  ASSERT_TRUE(differences) << differences.error().message;
  ASSERT_THAT(*differences, SizeIs(3));
  EXPECT_THAT((*differences)[0], HasSubstr("default_time_to_live is 0 and not 3600"));
  EXPECT_THAT((*differences)[1], HasSubstr("compaction is TimeWindowCompactionStrategy with windows of 1 DAYS"));
  EXPECT_THAT((*differences)[2], HasSubstr(named("aged_buckets")));
  // What the messages say may be done as it is written.
  for (const std::string& one : *differences) {
    const std::string statement = one.substr(one.find("ALTER TABLE"));
    execute(statement.substr(0, statement.find(';')));
  }
  EXPECT_THAT(other.option_differences(tables).value(), IsEmpty());
}

TEST_F(CassandraStoreTest, WindowLengthIsLearntFromTheRowsAndFoundAgain) {
  auto table = create({"learnt", 0, AggregateBucket::kHours});
  write(*table, {entry_at(0)});
  EXPECT_EQ(table->definition().window_ms, kMinuteMs);
  CassandraAggregateStore other(settings_);
  EXPECT_EQ((*other.open("learnt"))->definition(),
            (AggregateTableDefinition{"learnt", kMinuteMs, AggregateBucket::kHours}));
}

TEST_F(CassandraStoreTest, TableOfOtherColumnsIsAConflictThatNamesEachDifference) {
  create({"first", kMinuteMs, AggregateBucket::kDays});
  execute("CREATE TABLE " + named("foreign_one") +
          " (gateway text, metric text, attribute text, bucket timestamp, windowStart timestamp, windowEnd timestamp, "
          "sampleCount int,"
          " min double, max double, sum double, PRIMARY KEY ((gateway, metric, attribute, bucket), windowStart)) "
          "WITH comment = 'meterstream aggregates: windows of 60000 ms, bucket days'");
  const auto refused = store_.create({"foreign_one", kMinuteMs, AggregateBucket::kDays});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("foreign_one"), HasSubstr("samplecount is int and not bigint"),
                                             HasSubstr("sum is double and not decimal"),
                                             HasSubstr("average decimal is missing"), HasSubstr("windowstart")));
  EXPECT_EQ(store_.open("foreign_one").error().code, ErrorCode::kConflict);
}

TEST_F(CassandraStoreTest, TableWithoutItsBucketSaysHowToSayIt) {
  create({"known", kMinuteMs, AggregateBucket::kDays});
  execute("ALTER TABLE " + named("known") + " WITH comment = 'mine'");
  const auto refused = store_.create({"known", kMinuteMs, AggregateBucket::kDays});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("ALTER TABLE"));
  const std::string statement = refused.error().message.substr(refused.error().message.find("ALTER TABLE"));
  execute(statement);
  EXPECT_TRUE(store_.create({"known", kMinuteMs, AggregateBucket::kDays}));
}

TEST_F(CassandraStoreTest, TableThatIsDroppedWhileItIsWrittenIsNotFound) {
  const auto table = create({"dropped", kMinuteMs, AggregateBucket::kDays});
  write(*table, {entry_at(0)});
  execute("DROP TABLE " + named("dropped"));
  Status stored = table->write(std::vector{entry_at(kMinuteMs)});
  if (stored) stored = table->flush();
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, ErrorCode::kNotFound) << stored.error().message;
}

TEST_F(CassandraStoreTest, RowsVanishAfterTheirTtl) {
  settings_.ttl_s = 2;
  CassandraAggregateStore store(settings_);
  auto table = store.create({"brief", kMinuteMs, AggregateBucket::kDays});
  ASSERT_TRUE(table) << table.error().message;
  write(**table, {entry_at(0), entry_at(kDayMs)});
  EXPECT_THAT((*table)->rows(kSeries, {})->rows, SizeIs(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(3'100));
  EXPECT_THAT((*table)->rows(kSeries, {})->rows, SizeIs(0));
}

TEST_F(CassandraStoreTest, RowsVanishAfterTheirTtlInATableMadeWithout) {
  const AggregateTableDefinition definition{"brief", kMinuteMs, AggregateBucket::kDays};
  ASSERT_TRUE(CassandraAggregateStore(settings_).create(definition));
  settings_.ttl_s = 2;
  CassandraAggregateStore store(settings_);
  auto table = store.create(definition);
  ASSERT_TRUE(table) << table.error().message;
  write(**table, {entry_at(0), entry_at(kDayMs)});
  std::this_thread::sleep_for(std::chrono::milliseconds(3'100));
  EXPECT_THAT((*table)->rows(kSeries, {})->rows, SizeIs(0));
}

TEST_F(CassandraStoreTest, ManyRowsOfManySeriesAreAllThere) {
  settings_.pending_rows = 1'000;
  settings_.in_flight = 16;
  CassandraAggregateStore store(settings_);
  auto table = *store.create({"many", kMinuteMs, AggregateBucket::kDays});
  constexpr int kHouseholds = 50;
  constexpr int kMinutes = 400;
  std::vector<AggregateEntry> entries;
  for (int minute = 0; minute < kMinutes; ++minute) {
    for (int household = 0; household < kHouseholds; ++household)
      entries.push_back(entry_at(kDayMs - 200 * kMinuteMs + minute * kMinuteMs, 1 + household,
                                 {"household-" + std::to_string(household), "WATER", "WATER_IDD"}));
  }
  write(*table, entries);
  EXPECT_THAT(*table->series("household-", SIZE_MAX, nullptr), SizeIs(kHouseholds));
  for (int household = 0; household < kHouseholds; household += 7) {
    const auto page = table->rows({"household-" + std::to_string(household), "WATER", "WATER_IDD"}, {});
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_THAT(page->rows, SizeIs(kMinutes));
    for (const AggregateRow& row : page->rows) ASSERT_EQ(row.sample_count, 1 + household);
  }
}

TEST_F(CassandraStoreTest, NameThatCassandraDoesNotTakeIsInvalid) {
  for (const char* name :
       {"metrics-aggregates-60", "Upper", "", "1st", "a_name_of_more_than_forty_characters_in_all_"}) {
    const auto refused = store_.create({name, kMinuteMs, AggregateBucket::kDays});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid) << name;
  }
}

TEST_F(CassandraStoreTest, DataCentreThatDoesNotExistIsRefusedWithThoseThatDo) {
  settings_.local_datacentre = "elsewhere";
  const auto refused = CassandraAggregateStore(settings_).tables();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("elsewhere"), HasSubstr("datacenter1")));
}

}  // namespace
}  // namespace meterstream
