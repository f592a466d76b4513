// Tables of aggregates in Cassandra when nodes are away, slow, killed, or ask who is there.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "cassandra_fixture.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"
#include "connectors/cassandra/cassandra_schema.h"
#include "fault_proxy.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Clock = std::chrono::steady_clock;

constexpr int64_t kMinuteMs = 60'000;
const AggregateSeries kSeries{"household-1", "ELECTRICITY", "ACTIVE_POWER"};
const AggregateTableDefinition kTable{"minutes", kMinuteMs, AggregateBucket::kHours};

AggregateEntry entry_at(int64_t start_ms) {
  return {kSeries, {start_ms, start_ms + kMinuteMs, 1, 0.5, 1.5, start_ms, 7}, 1};
}

int64_t elapsed_ms(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
}

/// A sink's way: after kUnavailable everything since the last flush again.
Status store_at_last(AggregateTable& table, const std::vector<AggregateEntry>& entries, int& retries) {
  const auto began = Clock::now();
  while (true) {
    Status stored = table.write(entries);
    if (stored) stored = table.flush();
    if (stored || stored.error().code != ErrorCode::kUnavailable || elapsed_ms(began) > 60'000) return stored;
    ++retries;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST(CassandraFaults, NodeThatIsDownAtStartIsUnavailableAndReportedOnce) {
  CassandraSettings settings = cassandra_test_settings();
  settings.hosts = "127.0.0.1:1,127.0.0.2:1";
  CassandraNews news;
  news.listen_to(settings);
  CassandraAggregateStore store(settings);
  const auto began = Clock::now();
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto tables = store.tables();
    ASSERT_FALSE(tables);
    EXPECT_EQ(tables.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(tables.error().message, AllOf(HasSubstr("127.0.0.1:1,127.0.0.2:1"), HasSubstr("refused")));
  }
  EXPECT_EQ(store.create(kTable).error().code, ErrorCode::kUnavailable);
  EXPECT_LT(elapsed_ms(began), 5'000);
  EXPECT_THAT(news.messages(), SizeIs(1));
}

TEST(CassandraFaults, PortThatTakesConnectionsAndSaysNothingIsUnavailableInTime) {
  const std::string node = environment_of("METERSTREAM_TEST_CASSANDRA");
  FaultProxy silent(static_cast<uint16_t>(std::stoi(node.substr(node.rfind(':') + 1))));
  silent.be_silent(true);
  CassandraSettings settings = cassandra_test_settings();
  settings.hosts = silent.address();
  settings.request_timeout_ms = 300;
  for (const bool tls : {false, true}) {
    settings.tls = tls;
    const auto began = Clock::now();
    const auto tables = CassandraAggregateStore(settings).tables();
    ASSERT_FALSE(tables);
    EXPECT_EQ(tables.error().code, ErrorCode::kUnavailable) << tables.error().message;
    EXPECT_THAT(tables.error().message, HasSubstr("no answer"));
    EXPECT_LT(elapsed_ms(began), 3'000);
  }
}

TEST(CassandraFaults, LineThatSwallowsEverythingForAWhileIsGoneOnWithAfterwards) {
  const std::string node = environment_of("METERSTREAM_TEST_CASSANDRA");
  FaultProxy line(static_cast<uint16_t>(std::stoi(node.substr(node.rfind(':') + 1))));
  CassandraSettings settings = cassandra_test_settings();
  ASSERT_TRUE(CassandraAggregateStore(settings).create(kTable));
  settings.hosts = line.address();
  settings.request_timeout_ms = 500;
  settings.retry_for_ms = 500;
  CassandraNews news;
  news.listen_to(settings);
  CassandraAggregateStore store(settings);
  auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  line.be_silent(true);
  // Until the connection is given up, and another one waits for its first answer.
  const auto began = Clock::now();
  while (elapsed_ms(began) < 7'000) EXPECT_FALSE((*table)->write(std::vector{entry_at(0)}) && (*table)->flush());
  line.be_silent(false);
  const auto healed = Clock::now();
  int retries = 0;
  const Status stored = store_at_last(**table, {entry_at(0)}, retries);
  EXPECT_TRUE(stored) << stored.error().message;
  EXPECT_LT(elapsed_ms(healed), 15'000);
  EXPECT_THAT(news.messages(), SizeIs(2));
}

TEST(CassandraFaults, KilledNodeLosesAndDoublesNothingAndIsReportedOnce) {
  CassandraSettings settings = cassandra_test_settings();
  settings.request_timeout_ms = 1'000;
  settings.retry_for_ms = 2'000;
  CassandraNews news;
  news.listen_to(settings);
  CassandraAggregateStore store(settings);
  auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  const CassandraCluster cluster;
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cluster.script("kill 1");
    cluster.script("restart 1");
  });
  int64_t written = 0;
  int retries = 0;
  Status stored;
  const auto began = Clock::now();
  while (stored && (elapsed_ms(began) < 2'000 || retries == 0) && elapsed_ms(began) < 40'000) {
    std::vector<AggregateEntry> entries;
    for (int row = 0; row < 20; ++row) entries.push_back(entry_at((written + row) * kMinuteMs));
    stored = store_at_last(**table, entries, retries);
    if (stored) written += 20;
  }
  killer.join();
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_GT(retries, 0);
  const auto page = (*table)->rows(kSeries, {});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->rows.size(), static_cast<size_t>(written));
  for (size_t row = 0; row < page->rows.size(); ++row)
    ASSERT_EQ(page->rows[row].window_start_ms, static_cast<int64_t>(row) * kMinuteMs);
  const auto messages = news.messages();
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_THAT(messages[0], HasSubstr("does not answer"));
  EXPECT_THAT(messages[1], HasSubstr("answers again"));
}

TEST(CassandraFaults, WriterOfANodeThatHangsWaitsWithBoundedMemoryAndGoesOnAfterwards) {
  CassandraSettings settings = cassandra_test_settings();
  settings.request_timeout_ms = 500;
  settings.retry_for_ms = 1'000;
  settings.in_flight = 4;
  settings.pending_rows = 100;
  CassandraAggregateStore store(settings);
  {
    CassandraSettings patient = settings;
    patient.request_timeout_ms = 10'000;
    ASSERT_TRUE(CassandraAggregateStore(patient).create(kTable));
  }
  auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  const CassandraCluster cluster;
  cluster.signal("STOP");
  const auto began = Clock::now();
  Status stored;
  int64_t rows = 0;
  while (stored && rows < 100'000) {
    stored = (*table)->write(std::vector{entry_at(rows * kMinuteMs)});
    ++rows;
  }
  const int64_t waited_ms = elapsed_ms(began);
  cluster.signal("CONT");
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, ErrorCode::kUnavailable) << stored.error().message;
  EXPECT_LT(rows, 4'000);
  EXPECT_LT(waited_ms, 10'000);
  int retries = 0;
  stored = store_at_last(**table, {entry_at(0), entry_at(kMinuteMs)}, retries);
  EXPECT_TRUE(stored) << stored.error().message;
}

class CassandraSecurity : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const CassandraCluster cluster("secured");
    cluster.script("start 1 --auth --mutual-tls");
    cluster.script("cql -", "CREATE ROLE reader WITH PASSWORD = 'r' AND LOGIN = true;");
  }
  static void TearDownTestSuite() { CassandraCluster("secured").script("stop"); }

  static CassandraSettings secured() {
    const CassandraCluster cluster("secured");
    CassandraSettings settings = cassandra_test_settings();
    settings.hosts = cluster.script("contact");
    settings.user = settings.password = "cassandra";
    settings.tls = true;
    const std::string files = cluster.directory() + "/security/";
    settings.ca_file = files + "ca.pem";
    settings.certificate_file = files + "client.pem";
    settings.key_file = files + "client.key";
    return settings;
  }
  static Error refusal(const CassandraSettings& settings) {
    const auto table = CassandraAggregateStore(settings).create(kTable);
    EXPECT_FALSE(table);
    return table ? Error{} : table.error();
  }
};

TEST_F(CassandraSecurity, LoginAndCertificatesLetIn) {
  CassandraSettings settings = secured();
  settings.local_datacentre = "datacenter1";
  settings.replication_strategy = "NetworkTopologyStrategy";
  settings.password.clear();
  settings.password_file = CassandraCluster("secured").directory() + "/password";
  std::ofstream(settings.password_file) << "cassandra\n";
  CassandraAggregateStore store(settings);
  auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  int retries = 0;
  EXPECT_TRUE(store_at_last(**table, {entry_at(0)}, retries));
  EXPECT_THAT((*table)->rows(kSeries, {})->rows, SizeIs(1));
}

TEST_F(CassandraSecurity, WrongPasswordOrNoneIsRefusedWithoutShowingIt) {
  CassandraSettings settings = secured();
  settings.password = "secret-attempt";
  const Error wrong = refusal(settings);
  EXPECT_EQ(wrong.code, ErrorCode::kInvalid) << wrong.message;
  EXPECT_THAT(wrong.message, AllOf(HasSubstr("check user, password"), Not(HasSubstr("secret-attempt"))));
  settings.user = settings.password = "";
  const Error none = refusal(settings);
  EXPECT_EQ(none.code, ErrorCode::kInvalid) << none.message;
  EXPECT_THAT(none.message, HasSubstr("ask for a user"));
}

TEST_F(CassandraSecurity, UserWithoutTheRightIsRefusedWithTheRight) {
  CassandraSettings settings = secured();
  settings.user = "reader";
  settings.password = "r";
  const Error refused = refusal(settings);
  EXPECT_EQ(refused.code, ErrorCode::kInvalid) << refused.message;
  EXPECT_THAT(refused.message, AllOf(HasSubstr("reader"), HasSubstr("CREATE"), HasSubstr(settings.keyspace)));
}

TEST_F(CassandraSecurity, TlsOnAPortWithoutItIsRefusedAndTheOtherWayRoundIsAClearAnswer) {
  CassandraSettings settings = secured();
  settings.hosts = environment_of("METERSTREAM_TEST_CASSANDRA");
  const auto began = Clock::now();
  const Error refused = refusal(settings);
  EXPECT_EQ(refused.code, ErrorCode::kInvalid) << refused.message;
  EXPECT_THAT(refused.message, HasSubstr("does not speak TLS"));
  settings = secured();
  settings.tls = false;
  settings.ca_file = settings.certificate_file = settings.key_file = "";
  const Error plain = refusal(settings);
  EXPECT_EQ(plain.code, ErrorCode::kUnavailable) << plain.message;
  EXPECT_THAT(plain.message, HasSubstr("is tls set as the nodes have it"));
  settings = secured();
  settings.certificate_file = settings.key_file = "";
  const Error nameless = refusal(settings);
  EXPECT_THAT(nameless.message, HasSubstr("certificate_file"));
  EXPECT_LT(elapsed_ms(began), 5'000);
}

TEST_F(CassandraSecurity, CertificateOfAnotherAuthorityIsRefusedAndBadFilesAreNamed) {
  CassandraSettings settings = secured();
  settings.ca_file = CassandraCluster("secured").directory() + "/security/stranger-ca.pem";
  const Error stranger = refusal(settings);
  EXPECT_EQ(stranger.code, ErrorCode::kInvalid) << stranger.message;
  EXPECT_THAT(stranger.message, HasSubstr("ca_file"));
  settings.ca_file = "/no/such/file";
  const Error missing = refusal(settings);
  EXPECT_EQ(missing.code, ErrorCode::kInvalid) << missing.message;
  EXPECT_THAT(missing.message, HasSubstr("/no/such/file"));
}

class CassandraOfThree : public testing::Test {
 protected:
  static void SetUpTestSuite() { CassandraCluster("three").script("start 3 --heap 384m"); }
  static void TearDownTestSuite() { CassandraCluster("three").script("stop"); }

  static CassandraSettings quorum() {
    CassandraSettings settings = cassandra_test_settings();
    settings.hosts = CassandraCluster("three").script("contact");
    settings.replication_factor = 3;
    settings.consistency = "QUORUM";
    return settings;
  }
};

TEST_F(CassandraOfThree, ManyThatMakeTheSameTablesAtTheSameMomentMakeThemOnce) {
  constexpr int kStores = 4;
  const CassandraCluster cluster("three");
  std::vector<std::string> nodes;
  std::istringstream contact(cluster.script("contact"));
  for (std::string node; std::getline(contact, node, ',');) nodes.push_back(node);
  CassandraSettings settings = quorum();
  std::vector<std::unique_ptr<CassandraAggregateStore>> stores;
  for (size_t number = 0; number < kStores; ++number) {
    settings.hosts = nodes[number % nodes.size()];
    stores.push_back(std::make_unique<CassandraAggregateStore>(settings));
    ASSERT_TRUE(stores.back()->tables());
  }
  std::vector<std::jthread> processes;
  for (int64_t number = 0; number < kStores; ++number) {
    processes.emplace_back([&, number] {
      for (const AggregateTableDefinition& definition : usual_cassandra_tables()) {
        const auto table = stores[static_cast<size_t>(number)]->create(definition);
        ASSERT_TRUE(table) << number << " " << definition.name << ": " << table.error().message;
        const Status stored = (*table)->write(std::vector{entry_at(number * kMinuteMs)});
        ASSERT_TRUE(stored && (*table)->flush()) << number << " " << definition.name;
      }
    });
  }
  processes.clear();
  // Each row is in the table that is there afterwards.
  for (const AggregateTableDefinition& definition : usual_cassandra_tables()) {
    const auto table = stores.front()->open(definition.name);
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_THAT((*table)->rows(kSeries, {})->rows, SizeIs(kStores)) << definition.name;
  }
}

TEST_F(CassandraOfThree, QuorumGoesOnWhenOneNodeIsKilled) {
  const CassandraCluster cluster("three");
  CassandraSettings settings = quorum();
  CassandraAggregateStore store(settings);
  auto table = store.create(kTable);
  ASSERT_TRUE(table) << table.error().message;
  int retries = 0;
  for (int64_t minute = 0; minute < 60; ++minute) {
    if (minute == 20) cluster.script("kill 2");
    ASSERT_TRUE(store_at_last(**table, {entry_at(minute * kMinuteMs)}, retries));
  }
  const auto page = (*table)->rows(kSeries, {});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(page->rows, SizeIs(60));
  settings.consistency = "ALL";
  settings.retry_for_ms = 500;
  CassandraAggregateStore all(settings);
  auto strict = all.create(kTable);
  ASSERT_FALSE(strict && (*strict)->write(std::vector{entry_at(0)}) && (*strict)->flush());
}

}  // namespace
}  // namespace meterstream
