// The latest table against real Redis servers, with what may go wrong there.
#include "connectors/redis/redis_latest_table.h"

#include <filesystem>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>

#include "fault_proxy.h"
#include "redis_fixture.h"
#include "testing/latest_table_contract.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kNoonMs = 1'167'652'800'000;  // 2007-01-01T12:00:00Z
constexpr std::string_view kNoon = "2007-01-01T12:00:00Z";

const SystemClock& system_clock() {
  static const SystemClock clock;
  return clock;
}

// One server for all tests that leave it as it was. with_redis removes it.
RedisServer& shared_server() {
  static auto* const server = new RedisServer("shared");
  return *server;
}

std::unique_ptr<RedisLatestTable> table_of(const RedisSettings& settings, RedisLatestTable::Options options = {}) {
  auto table = RedisLatestTable::make(settings, system_clock(), std::move(options));
  EXPECT_TRUE(table) << table.error().message;
  return table ? *std::move(table) : nullptr;
}

LatestReadingView at(int64_t timestamp_ms, std::string_view gateway = "g", double value = 1.5) {
  return {gateway, "WATER", "WATER_IDD", timestamp_ms, value};
}

std::vector<std::string> gateway_names(int count) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(count));
  for (int index = 0; index < count; ++index) names.push_back("gateway-" + std::to_string(index));
  return names;
}

std::vector<LatestReadingView> readings_of(const std::vector<std::string>& names) {
  std::vector<LatestReadingView> readings;
  readings.reserve(names.size());
  for (const std::string& name : names) readings.push_back(at(kNoonMs, name));
  return readings;
}

Status store(LatestTable& table, const std::vector<LatestReadingView>& readings) {
  RETURN_IF_ERROR(table.write(readings));
  return table.flush();
}

// A SinkTask's way: after an error the same again, until the server takes it.
Status store_at_last(LatestTable& table, const std::vector<LatestReadingView>& readings) {
  Status stored;
  for (int attempt = 0; attempt < 500; ++attempt) {
    stored = store(table, readings);
    if (stored || stored.error().code != ErrorCode::kUnavailable) return stored;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return stored;
}

Error failure(const RedisSettings& settings) {
  const Status stored = store(*table_of(settings), {at(kNoonMs)});
  EXPECT_FALSE(stored);
  return stored ? Error{} : stored.error();
}

class RedisSubject : public LatestTableSubject {
 public:
  RedisSubject() { shared_server().cli("FLUSHALL"); }
  std::unique_ptr<LatestTable> open(LatestContent content) override {
    return table_of(settings_, {.content = content, .on_trouble = {}});
  }
  void restart() override { shared_server().restart(); }

 protected:
  RedisSettings settings_ = shared_server().settings();
};

class PrefixedRedisSubject final : public RedisSubject {
 public:
  PrefixedRedisSubject() {
    // Other programs' keys are none of this table's.
    shared_server().cli("MSET values:a 1 gateway:values:a 1 g 1 me 1 'm?values:x' 1");
    settings_.key_prefix = "m*[\\?:";
    settings_.ttl_s = 1'000;
  }
};

template <class Subject>
std::unique_ptr<LatestTableSubject> make() {
  return std::make_unique<Subject>();
}

INSTANTIATE_TEST_SUITE_P(Redis, LatestTableContract, testing::Values(&make<RedisSubject>));
INSTANTIATE_TEST_SUITE_P(RedisWithPrefix, LatestTableContract, testing::Values(&make<PrefixedRedisSubject>));

TEST(RedisLatestTable, OtherClientsReadWhatTheFormatSays) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto plain = table_of(server.settings());
  ASSERT_TRUE(
      store(*plain, {at(kNoonMs, "gateway-1"), {"gateway-1", "ELECTRICITY", "VOLTAGE", kNoonMs - 500, 230.25}}));
  EXPECT_EQ(server.cli("GET gateway-1"), kNoon);
  EXPECT_EQ(server.cli("HGET values:gateway-1 WATER.WATER_IDD"), "2007-01-01T12:00:00Z 1.5");
  EXPECT_EQ(server.cli("HGET values:gateway-1 ELECTRICITY.VOLTAGE"), "2007-01-01T11:59:59.500Z 230.25");
  EXPECT_EQ(server.cli("TTL gateway-1"), "-1");
  EXPECT_EQ(server.cli("DBSIZE"), "2");

  RedisSettings settings = server.settings();
  settings.key_prefix = "meters:";
  settings.ttl_s = 500;
  settings.db = 3;
  const auto prefixed = table_of(settings);
  ASSERT_TRUE(store(*prefixed, {at(kNoonMs)}));
  EXPECT_EQ(server.cli("-n 3 GET meters:g"), kNoon);
  EXPECT_EQ(server.cli("-n 3 HGET meters:values:g WATER.WATER_IDD"), "2007-01-01T12:00:00Z 1.5");
  for (const std::string key : {"meters:g", "meters:values:g"}) {
    const int left_s = std::stoi(server.cli("-n 3 TTL " + key));
    EXPECT_GT(left_s, 400) << key;
    EXPECT_LE(left_s, 500) << key;
  }
  settings.ttl_s = 0;
  ASSERT_TRUE(store(*table_of(settings), {at(kNoonMs + 1'000)}));
  for (const std::string key : {"meters:g", "meters:values:g"}) {
    EXPECT_EQ(server.cli("-n 3 TTL " + key), "-1")
        << key << ": a time to live that was taken away ends with the next write";
  }
  EXPECT_EQ(server.cli("DBSIZE"), "2");
}

TEST(RedisLatestTable, ATimeToLiveBeginsAnewWithEachNewerReadingAndEndsWithTheSetting) {
  const RedisServer server("forgetting", "--user");
  // As docs/formats/redis.md says; without INFO keys that expire are thought to be there.
  EXPECT_EQ(server.cli("ACL SETUSER meterstream nocommands +@read +@write +@scripting +@connection"), "OK");
  for (const int64_t ttl_s : {int64_t{500}, int64_t{0}}) {
    RedisSettings settings = server.settings();
    settings.ttl_s = ttl_s;
    const auto table = table_of(settings);
    for (int round = 1; round <= 2; ++round) {
      server.cli("EVAL \"for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, 100) end\" 4 g h values:g values:h");
      const int64_t time_ms = kNoonMs + (ttl_s == 0 ? 10 : 0) + round;
      ASSERT_TRUE(store(*table, {at(time_ms, "g"), {"g", "WATER", "WATER_SUMMATION", time_ms, 7}, at(time_ms, "h")}));
      // Seconds that are left, of the keys with the fewest and the most.
      std::istringstream left(
          server.cli("EVAL \"local all = {} for i, key in ipairs(KEYS) do all[i] = redis.call('TTL', key) end "
                     "return math.min(unpack(all)) .. ' ' .. math.max(unpack(all))\" 4 g h values:g values:h"));
      int least_s = 0;
      int most_s = 0;
      left >> least_s >> most_s;
      EXPECT_GT(least_s, ttl_s == 0 ? -2 : 400) << "round " << round;
      EXPECT_LE(most_s, ttl_s == 0 ? -1 : 500) << "round " << round;
    }
  }
}

TEST(RedisLatestTable, GatewaysOfAnySeriesShareCalls) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto table = table_of(server.settings(), {.content = LatestContent::kValues, .on_trouble = {}});
  // Each gateway with fields that no other has, and one field that all have.
  const auto names = gateway_names(2'000);
  std::vector<LatestReadingView> readings;
  for (const std::string& name : names) {
    readings.push_back(at(kNoonMs, name));
    readings.push_back({name, name, "OWN", kNoonMs, 2.5});
  }
  ASSERT_TRUE(store(*table, readings));
  EXPECT_EQ(table->counters().newer, 4'000);
  EXPECT_LE(table->counters().calls, 10) << "some 512 updates a call";
  EXPECT_EQ(server.cli("HGET values:gateway-1999 WATER.WATER_IDD"), "2007-01-01T12:00:00Z 1.5");
  EXPECT_EQ(server.cli("HGET values:gateway-0 gateway-0.OWN"), "2007-01-01T12:00:00Z 2.5");
}

TEST(RedisLatestTable, OnlyTheNewestOfEachSeriesIsSent) {
  shared_server().cli("FLUSHALL");
  const auto table = table_of(shared_server().settings());
  for (int round = 0; round < 1'000; ++round) ASSERT_TRUE(table->write(std::vector{at(kNoonMs + round), at(kNoonMs)}));
  ASSERT_TRUE(table->flush());
  EXPECT_EQ(table->counters().updates, 2);
  ASSERT_TRUE(store(*table, {at(kNoonMs)}));
  EXPECT_EQ(table->counters().newer, 2);
  EXPECT_EQ(table->activity("g").value(), kNoonMs + 999);
}

TEST(RedisLatestTable, AKeyOfAnotherTypeIsNamedAndLeftAlone) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto table = table_of(server.settings());
  server.cli("RPUSH g mine");
  Error error = failure(server.settings());
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_THAT(error.message, AllOf(HasSubstr("'g' is there as a list"), HasSubstr("key_prefix")));
  EXPECT_EQ(server.cli("LRANGE g 0 -1"), "mine");
  EXPECT_EQ(table->activity("g").error().code, ErrorCode::kInvalid);

  for (const std::string_view text : {"hello", "", "abcdefghijklmnopqrst", "2007-01-01"}) {
    server.cli(fmt::format("SET g '{}'", text));
    error = failure(server.settings());
    EXPECT_EQ(error.code, ErrorCode::kInvalid);
    EXPECT_THAT(error.message, HasSubstr(fmt::format("'g' holds '{}'", text)));
    EXPECT_EQ(server.cli("GET g"), text);
    EXPECT_EQ(table->activity("g").error().code, ErrorCode::kCorrupt);
  }

  server.cli("FLUSHALL");
  server.cli("SET values:g mine");
  error = failure(server.settings());
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("'values:g' is there as a string"));
  server.cli("DEL values:g");
  server.cli("HSET values:g WATER.WATER_IDD 17");
  EXPECT_THAT(failure(server.settings()).message, HasSubstr("'values:g' holds '17'"));
  EXPECT_EQ(table->values("g").error().code, ErrorCode::kCorrupt);
  server.cli("FLUSHALL");
  EXPECT_TRUE(store_at_last(*table, {at(kNoonMs)}));
}

TEST(RedisLatestTable, ADatabaseThatIsNotThereIsRefused) {
  RedisSettings settings = shared_server().settings();
  settings.db = 16;
  const Error error = failure(settings);
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("no database 16"));
}

TEST(RedisLatestTable, ScriptsThatVanishAreLoadedAgain) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto names = gateway_names(15'000);
  auto readings = readings_of(names);
  const auto table = table_of(server.settings());
  for (int round = 0; round < 3; ++round) {
    server.cli("SCRIPT FLUSH");
    for (LatestReadingView& reading : readings) ++reading.timestamp_ms;
    const Status stored = store(*table, readings);
    ASSERT_TRUE(stored) << stored.error().message;
  }
  EXPECT_EQ(table->counters().connects, 1);
  EXPECT_EQ(server.cli("DBSIZE"), "30000");
  EXPECT_EQ(server.cli("GET gateway-14999"), "2007-01-01T12:00:00.003Z");
}

TEST(RedisLatestTable, WhileMemoryIsFullWritesWait) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto table = table_of(server.settings());
  ASSERT_TRUE(store(*table, {at(kNoonMs)}));
  server.cli("CONFIG SET maxmemory 1");
  const Status full = store(*table, {at(kNoonMs + 1)});
  server.cli("CONFIG SET maxmemory 0");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(full.error().message, HasSubstr("maxmemory"));
  EXPECT_TRUE(store_at_last(*table, {at(kNoonMs + 1)}));
  EXPECT_EQ(table->activity("g").value(), kNoonMs + 1);
}

TEST(RedisLatestTable, AReplicaIsReadAndWaitsToBeThePrimary) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto table = table_of(server.settings());
  ASSERT_TRUE(store(*table, {at(kNoonMs)}));
  server.cli("REPLICAOF 127.0.0.1 1");
  const Status refused = store(*table, {at(kNoonMs + 1)});
  EXPECT_EQ(table->activity("g").value(), kNoonMs);
  server.cli("REPLICAOF NO ONE");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("is a replica"));
  EXPECT_TRUE(store_at_last(*table, {at(kNoonMs + 1)}));
}

TEST(RedisLatestTable, AClusterIsNotSupportedAndSaysSo) {
  const RedisServer server("cluster", "--set cluster-enabled=yes");
  const Error error = failure(server.settings());
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("Redis Cluster, which is not supported"));
}

TEST(RedisLatestTable, LoginsAreCheckedAndPasswordsStaySecret) {
  const RedisServer server("users", "--user");
  RedisSettings settings = server.settings();
  ASSERT_TRUE(store(*table_of(settings), {at(kNoonMs)}));
  const std::string password = std::exchange(settings.password, "wrong-password");
  const Error wrong = failure(settings);
  EXPECT_EQ(wrong.code, ErrorCode::kInvalid);
  EXPECT_THAT(wrong.message, AllOf(HasSubstr("refuses user meterstream"), Not(HasSubstr("wrong-password"))));

  settings.password.clear();
  settings.password_file = server.directory() + "/password";
  std::ofstream(settings.password_file) << password << "\n";
  EXPECT_TRUE(store(*table_of(settings), {at(kNoonMs)}));

  settings.password_file.clear();
  settings.user.clear();
  const Error nobody = failure(settings);
  EXPECT_EQ(nobody.code, ErrorCode::kInvalid);
  EXPECT_THAT(nobody.message, HasSubstr("refuses clients without a login"));

  server.cli("ACL SETUSER guest '>guest-password'");
  settings.user = "guest";
  settings.password = "guest-password";
  const Error guest = failure(settings);
  EXPECT_EQ(guest.code, ErrorCode::kInvalid);
  EXPECT_THAT(guest.message, AllOf(HasSubstr("does not allow user guest"), Not(HasSubstr("guest-password"))));
  EXPECT_EQ(table_of(settings)->activity("g").value(), kNoonMs);
}

TEST(RedisLatestTable, APasswordWithoutAUserIsThatOfTheDefaultUser) {
  const RedisServer server("password", "--password");
  RedisSettings settings = server.settings();
  EXPECT_TRUE(settings.user.empty());
  EXPECT_TRUE(store(*table_of(settings), {at(kNoonMs)}));
  settings.password += "x";
  EXPECT_EQ(failure(settings).code, ErrorCode::kInvalid);
}

TEST(RedisLatestTable, TlsAsksBothSidesForACertificate) {
  const RedisServer server("tls", "--mutual-tls");
  const RedisSettings good = server.settings();
  ASSERT_TRUE(good.tls);
  const auto table = table_of(good);
  const auto names = gateway_names(8'000);
  auto readings = readings_of(names);
  const Status stored = store(*table, readings);
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(table->gateways("", 100'000, nullptr)->size(), names.size());

  RedisSettings distrustful = good;
  distrustful.ca_file = server.directory() + "/security/stranger-ca.pem";
  EXPECT_THAT(failure(distrustful).message, HasSubstr("its certificate is not accepted"));
  EXPECT_EQ(failure(distrustful).code, ErrorCode::kInvalid);
  distrustful.verify = false;
  EXPECT_TRUE(store(*table_of(distrustful), {at(kNoonMs)}));

  RedisSettings unknown = good;
  unknown.certificate_file.clear();
  unknown.key_file.clear();
  EXPECT_THAT(failure(unknown).message, HasSubstr("certificate"));

  RedisSettings misled = good;
  misled.ca_file = server.directory() + "/nowhere.pem";
  EXPECT_THAT(failure(misled).message, HasSubstr("ca_file"));
  misled = good;
  misled.port = server.plain_port();
  EXPECT_THAT(failure(misled).message, HasSubstr("tls-port"));
  FaultProxy silent(static_cast<uint16_t>(server.plain_port()));
  silent.be_silent(true);
  misled.port = silent.port();
  misled.connect_timeout_ms = 300;
  const auto began = std::chrono::steady_clock::now();
  const Error unanswered = failure(misled);
  EXPECT_EQ(unanswered.code, ErrorCode::kUnavailable);
  EXPECT_THAT(unanswered.message, HasSubstr("does not answer the TLS handshake in time"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  misled = server.settings();
  misled.tls = false;
  misled.ca_file = misled.certificate_file = misled.key_file = "";
  const Error plain = failure(misled);
  EXPECT_EQ(plain.code, ErrorCode::kUnavailable);
  EXPECT_THAT(plain.message, HasSubstr("[redis]"));
}

TEST(RedisLatestTable, AServerThatIsDownAtStartIsToldOnceAndReachedLater) {
  RedisServer server("late");
  RedisSettings settings = server.settings();
  server.kill();
  std::vector<std::string> told;
  const auto table = table_of(settings, {.on_trouble = [&](const std::string& message) { told.push_back(message); }});
  for (int attempt = 0; attempt < 20; ++attempt) {
    const Status stored = store(*table, {at(kNoonMs)});
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().code, ErrorCode::kUnavailable);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(table->activity("g").error().code, ErrorCode::kUnavailable);
  server.start();
  const Status stored = store_at_last(*table, {at(kNoonMs)});
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr("cannot connect"), HasSubstr(std::to_string(settings.port))),
                                HasSubstr("takes updates again")));
  EXPECT_EQ(table->activity("g").value(), kNoonMs);
}

TEST(RedisLatestTable, AKillInTheMiddleLosesNothingThatWasFlushed) {
  RedisServer server("killed");
  const auto table = table_of(server.settings());
  const auto names = gateway_names(5'000);
  auto readings = readings_of(names);
  for (int kill = 0; kill < 3; ++kill) {
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
      server.kill();
    });
    // Until the kill is met; each round is a later time.
    Status stored;
    while (stored) {
      for (LatestReadingView& reading : readings) ++reading.timestamp_ms;
      stored = store(*table, readings);
    }
    killer.join();
    ASSERT_EQ(stored.error().code, ErrorCode::kUnavailable) << stored.error().message;
    EXPECT_EQ(store(*table, readings).error().code, ErrorCode::kUnavailable);
    server.start();
    // What was flushed before the one that failed is there.
    const auto held = table->activity("gateway-4999");
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_GE(held->value_or(kNoonMs), readings.back().timestamp_ms - 1);
    stored = store_at_last(*table, readings);
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(table->activity("gateway-4999").value(), readings.back().timestamp_ms);
    EXPECT_EQ(table->gateways("", 10'000, nullptr)->size(), names.size());
  }
}

TEST(RedisLatestTable, ASlowServerIsWaitedForAndASilentOneIsNot) {
  RedisServer& server = shared_server();
  server.cli("FLUSHALL");
  const auto patient = table_of(server.settings());
  RedisSettings hasty_settings = server.settings();
  hasty_settings.request_timeout_ms = 200;
  const auto hasty = table_of(hasty_settings);
  ASSERT_TRUE(store(*patient, {at(kNoonMs)}));
  ASSERT_TRUE(store(*hasty, {at(kNoonMs)}));
  server.stop_process(true);
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
    server.stop_process(false);
  });
  const Status silent = store(*hasty, {at(kNoonMs + 1)});
  const Status slow = store(*patient, {at(kNoonMs + 2)});
  waker.join();
  EXPECT_TRUE(slow) << slow.error().message;
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(silent.error().message, HasSubstr("does not answer in time"));
  EXPECT_TRUE(store_at_last(*hasty, {at(kNoonMs + 3)}));
  EXPECT_EQ(patient->activity("g").value(), kNoonMs + 3);
}

TEST(RedisLatestTable, TimesBeyondFourDigitsOfTheYearAreRefused) {
  const auto table = table_of(shared_server().settings());
  EXPECT_EQ(table->write(std::vector{at(RedisLatestFormat::kLastTimeMs + 1)}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(table->write(std::vector{at(RedisLatestFormat::kFirstTimeMs - 1)}).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace meterstream
