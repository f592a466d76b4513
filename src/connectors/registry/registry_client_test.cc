#include "connectors/registry/registry_client.h"

#include <map>
#include <memory>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/registry/registry_schema_store.h"
#include "metering/avro_encoder.h"
#include "testing/loopback_server.h"

namespace meterstream {
namespace {

using testing::HasSubstr;
using testing::Not;

LoopbackServer::Response error_of(int status, int code, const std::string& message) {
  return {status, R"({"error_code":)" + std::to_string(code) + R"(,"message":")" + message + "\"}"};
}

/// Pauses move the clock instead of taking time.
struct RegistryFixture : testing::Test {
  ManualClock clock{IngestTime(1'000'000)};
  std::vector<int64_t> pauses;

  RegistryTiming timing(uint64_t seed = 1) {
    return {&clock,
            [this](int64_t pause_ms) {
              pauses.push_back(pause_ms);
              clock.advance(pause_ms);
            },
            seed};
  }
  static RegistrySettings settings(std::vector<std::string> urls) {
    RegistrySettings settings;
    settings.urls = std::move(urls);
    return settings;
  }
  RegistryClient client_of(const LoopbackServer& server) { return RegistryClient(settings({server.url()}), timing()); }
};

// A port that nobody listens on.
std::string dead_url() {
  LoopbackServer server([](const auto&) { return LoopbackServer::Response(); });
  return server.url();
}

TEST_F(RegistryFixture, FetchesASchemaOnceAndOverOneConnection) {
  LoopbackServer server([](const LoopbackServer::Request& request) -> LoopbackServer::Response {
    EXPECT_EQ(request.method, "GET");
    if (request.target == "/schemas/ids/7") return {200, R"({"schema":"\"string\"","references":[]})"};
    if (request.target == "/schemas/ids/8") return {200, R"({"schema":"\"long\"","schemaType":"AVRO"})"};
    return error_of(404, 40403, "Schema not found");
  });
  RegistrySchemaStore store(settings({server.url() + "/"}), timing());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(store.schema(SchemaId(7)).value(), "\"string\"");
    EXPECT_EQ(store.schema(SchemaId(8)).value(), "\"long\"");
  }
  EXPECT_EQ(server.requests(), 2);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(RegistryFixture, KnownSchemasAreGivenWhileTheRegistryIsAway) {
  auto server = std::make_unique<LoopbackServer>(
      [](const auto&) { return LoopbackServer::Response{200, R"({"schema":"\"long\""})"}; });
  const uint16_t port = server->port();
  RegistrySchemaStore store(settings({server->url()}), timing());
  ASSERT_TRUE(store.schema(SchemaId(7)));
  server.reset();
  EXPECT_EQ(store.schema(SchemaId(7)).value(), "\"long\"");
  const auto other = store.schema(SchemaId(8));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kUnavailable);
  server = std::make_unique<LoopbackServer>(
      [](const auto&) { return LoopbackServer::Response{200, R"({"schema":"\"int\""})"}; }, port);
  EXPECT_EQ(store.schema(SchemaId(8)).value(), "\"int\"");
}

TEST_F(RegistryFixture, AnIdThatTheRegistryDoesNotKnowIsNotFoundAndAskedForAgain) {
  bool is_known = false;
  LoopbackServer server([&](const auto&) {
    return is_known ? LoopbackServer::Response{200, R"({"schema":"\"long\""})"}
                    : error_of(404, 40403, "Schema 9 not found");
  });
  RegistrySchemaStore store(settings({server.url()}), timing());
  const auto missing = store.schema(SchemaId(9));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(server.url() + "/schemas/ids/9"));
  EXPECT_TRUE(pauses.empty());
  is_known = true;
  EXPECT_TRUE(store.schema(SchemaId(9)));
}

TEST_F(RegistryFixture, A404OfSomethingElseIsNoUnknownSchema) {
  LoopbackServer server([](const auto&) { return LoopbackServer::Response{404, "<html>nothing here</html>"}; });
  const auto schema = client_of(server).schema(SchemaId(9));
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(schema.error().message, HasSubstr("/apis/ccompat/v7"));
  EXPECT_EQ(client_of(server).subjects().error().code, ErrorCode::kInvalid);
}

TEST_F(RegistryFixture, AnswersThatAreNotARegistrysAreUnavailableAndQuoted) {
  std::string body = "<html>welcome</html>";
  LoopbackServer server([&](const auto&) { return LoopbackServer::Response{200, body}; });
  for (const char* text : {"<html>welcome</html>", "{}", "[1,2]", "", "{\"schema\":5}"}) {
    body = text;
    const auto schema = client_of(server).schema(SchemaId(9));
    ASSERT_FALSE(schema) << text;
    EXPECT_EQ(schema.error().code, ErrorCode::kUnavailable) << text;
    EXPECT_THAT(schema.error().message, HasSubstr("[registry] url"));
  }
}

TEST_F(RegistryFixture, IdsBelowOneNeverReachTheRegistry) {
  LoopbackServer server([](const auto&) { return LoopbackServer::Response{200, R"({"schema":"\"long\""})"}; });
  RegistrySchemaStore store(settings({server.url()}), timing());
  for (const int32_t id : {0, -1, INT32_MIN}) EXPECT_EQ(store.schema(SchemaId(id)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(RegistryFixture, SchemasOfOtherTypesAndWithReferencesAreInvalid) {
  LoopbackServer server([](const LoopbackServer::Request& request) -> LoopbackServer::Response {
    if (request.target == "/schemas/ids/1") return {200, R"({"schema":"{}","schemaType":"JSON"})"};
    return {200, R"({"schema":"\"x.Y\"","references":[{"name":"x.Y","subject":"y","version":1}]})"};
  });
  RegistryClient client = client_of(server);
  EXPECT_EQ(client.schema(SchemaId(1)).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(client.schema(SchemaId(1)).error().message, HasSubstr("of type JSON; only Avro"));
  EXPECT_EQ(client.schema(SchemaId(2)).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(client.schema(SchemaId(2)).error().message, HasSubstr("refers to other schemas"));
}

TEST_F(RegistryFixture, PausesDoubleWithJitterUntilTheTimeIsUp) {
  LoopbackServer server([](const auto&) { return LoopbackServer::Response{503, "starting"}; });
  const auto schema = client_of(server).schema(SchemaId(1));
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(schema.error().message, HasSubstr(server.url() + "/schemas/ids/1: HTTP 503: starting"));
  ASSERT_GE(pauses.size(), 4U);
  EXPECT_EQ(server.requests(), static_cast<int>(pauses.size()) + 1);
  int64_t sum = 0;
  for (size_t i = 0; i < pauses.size(); ++i) {
    const int64_t longest = std::min<int64_t>(1'000, int64_t{100} << i);
    EXPECT_GE(pauses[i], longest / 2) << i;
    EXPECT_LE(pauses[i], longest) << i;
    sum += pauses[i];
  }
  EXPECT_LE(sum, RegistrySettings().retry_for_ms);
  const std::vector<int64_t> first = pauses;
  pauses.clear();
  (void)RegistryClient(settings({server.url()}), timing(2)).schema(SchemaId(1));
  EXPECT_NE(first, pauses);
}

TEST_F(RegistryFixture, OvercomesAServerThatFailsAndBreaksOff) {
  int calls = 0;
  LoopbackServer server([&](const auto&) -> LoopbackServer::Response {
    switch (++calls) {
      case 1:
        return {500, R"({"error_code":50001,"message":"store"})"};
      case 2:
        return {200, R"({"schema":"\"long\""})", true};
      case 3:
        return {429, "slow down"};
      default:
        return {200, R"({"schema":"\"long\""})"};
    }
  });
  EXPECT_EQ(client_of(server).schema(SchemaId(1)).value(), "\"long\"");
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(pauses.size(), 3U);
}

TEST_F(RegistryFixture, GoesToTheNextUrlAtOnceAndStaysThere) {
  LoopbackServer server([](const auto&) { return LoopbackServer::Response{200, "[\"a\",\"b\"]"}; });
  LoopbackServer ill([](const auto&) { return LoopbackServer::Response{503, ""}; });
  RegistryClient client(settings({dead_url(), ill.url(), server.url()}), timing());
  EXPECT_EQ(client.subjects().value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(client.subjects());
  EXPECT_EQ(server.requests(), 2);
  EXPECT_EQ(ill.requests(), 1);
  EXPECT_TRUE(pauses.empty());
}

TEST_F(RegistryFixture, AMessageNamesEveryUrlThatFailed) {
  const std::string first = dead_url();
  LoopbackServer ill([](const auto&) { return LoopbackServer::Response{502, "bad gateway"}; });
  RegistryClient client(settings({first, ill.url()}), timing());
  const std::string message = client.subjects().error().message;
  EXPECT_THAT(message, HasSubstr(first));
  EXPECT_THAT(message, HasSubstr(ill.url() + "/subjects: HTTP 502: bad gateway"));
}

TEST_F(RegistryFixture, ASilentServerIsGivenUpAfterTheRequestTimeout) {
  std::mutex mutex;
  mutex.lock();
  LoopbackServer server([&](const auto&) {
    const std::scoped_lock wait(mutex);
    return LoopbackServer::Response();
  });
  RegistrySettings patient = settings({server.url()});
  patient.request_timeout_ms = 100;
  patient.retry_for_ms = 0;
  const auto schema = RegistryClient(patient, timing()).schema(SchemaId(1));
  mutex.unlock();
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(schema.error().message, HasSubstr("timed out"));
}

TEST_F(RegistryFixture, BasicAuthenticationIsSentAndARefusalIsSaidWithoutThePassword) {
  LoopbackServer server([](const LoopbackServer::Request& request) -> LoopbackServer::Response {
    // "reader:hunter2" in base 64.
    if (request.head.find("Authorization: Basic cmVhZGVyOmh1bnRlcjI=") != std::string::npos) return {200, "[]"};
    return error_of(401, 40101, "Unauthorized");
  });
  RegistrySettings known = settings({server.url()});
  known.user = "reader";
  known.password = "hunter2";
  EXPECT_TRUE(RegistryClient(known, timing()).subjects());
  known.password = "hunter3";
  RegistryClient stranger(known, timing());
  const Error refused = stranger.subjects().error();
  EXPECT_EQ(refused.code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.message, HasSubstr("refuses user reader (HTTP 401). Check [registry] user and password"));
  EXPECT_THAT(refused.message, Not(HasSubstr("hunter")));
  // Records wait until the credentials are right; they are not rejected for it.
  EXPECT_EQ(stranger.schema(SchemaId(1)).error().code, ErrorCode::kUnavailable);
}

TEST_F(RegistryFixture, RegistersOnceForEachSubjectAndText) {
  std::vector<std::string> targets;
  std::string body;
  LoopbackServer server([&](const LoopbackServer::Request& request) -> LoopbackServer::Response {
    targets.push_back(request.method + " " + request.target);
    body = request.body;
    return {200, R"({"id":42})"};
  });
  RegistrySchemaStore store(settings({server.url()}), timing());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store.register_schema("metrics-value", kMetricAvroSchema).value(), SchemaId(42));
    EXPECT_EQ(store.register_schema("a/b c-value", kMetricAvroSchema).value(), SchemaId(42));
  }
  EXPECT_EQ(targets, (std::vector<std::string>{"POST /subjects/metrics-value/versions",
                                               "POST /subjects/a%2Fb%20c-value/versions"}));
  EXPECT_THAT(body, HasSubstr(R"("schema":"{\"type\":\"record\",\"name\":\"MetricAvro\")"));
  EXPECT_THAT(body, HasSubstr(R"("schemaType":"AVRO")"));
}

TEST_F(RegistryFixture, AnIncompatibleSchemaIsAConflictThatSaysWhatToDo) {
  LoopbackServer server([](const auto&) { return error_of(409, 409, "READER_FIELD_MISSING_DEFAULT_VALUE"); });
  const auto id = client_of(server).register_schema("metrics-value", "\"long\"");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::kConflict);
  EXPECT_THAT(id.error().message, HasSubstr("READER_FIELD_MISSING_DEFAULT_VALUE"));
  EXPECT_THAT(id.error().message, HasSubstr("default"));
  EXPECT_TRUE(pauses.empty());
}

TEST_F(RegistryFixture, AsksForCompatibilityAndLevels) {
  std::map<std::string, std::string> levels = {{"", "BACKWARD"}};
  LoopbackServer server([&](const LoopbackServer::Request& request) -> LoopbackServer::Response {
    if (request.target.starts_with("/compatibility/subjects/new/")) return error_of(404, 40401, "Subject not found");
    if (request.target.starts_with("/compatibility/"))
      return {200, R"({"is_compatible":false,"messages":["f lacks a default"]})"};
    const std::string subject = request.target.size() > 8 ? request.target.substr(8) : "";
    if (request.method == "PUT") {
      if (request.body.find("FULL") == std::string::npos) return error_of(422, 42203, "Invalid compatibility level");
      levels[subject] = "FULL";
      return {200, request.body};
    }
    if (!levels.contains(subject)) return error_of(404, 40408, "no level");
    return {200, R"({"compatibilityLevel":")" + levels[subject] + "\"}"};
  });
  RegistryClient client = client_of(server);
  EXPECT_TRUE(client.check_compatibility("new", "\"long\"")->is_compatible);
  const auto check = client.check_compatibility("metrics-value", "\"long\"").value();
  EXPECT_FALSE(check.is_compatible);
  EXPECT_EQ(check.messages, std::vector<std::string>{"f lacks a default"});
  EXPECT_EQ(client.compatibility_level("metrics-value").value(), "BACKWARD");
  EXPECT_TRUE(client.set_compatibility_level("metrics-value", "FULL"));
  EXPECT_EQ(client.compatibility_level("metrics-value").value(), "FULL");
  EXPECT_EQ(client.compatibility_level("").value(), "BACKWARD");
  EXPECT_EQ(client.set_compatibility_level("", "SOME").error().code, ErrorCode::kInvalid);
}

TEST_F(RegistryFixture, LooksUpTheIdOfARegisteredSchema) {
  LoopbackServer server([](const LoopbackServer::Request& request) -> LoopbackServer::Response {
    EXPECT_EQ(request.method, "POST");
    if (request.target == "/subjects/here")
      return {200, R"({"subject":"here","version":1,"id":5,"schema":"\"long\""})"};
    return error_of(404, request.target == "/subjects/gone" ? 40401 : 40403, "not there");
  });
  RegistryClient client = client_of(server);
  EXPECT_EQ(client.find_schema("here", "\"long\"").value(), SchemaId(5));
  EXPECT_EQ(client.find_schema("gone", "\"long\"").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(client.find_schema("other", "\"long\"").error().code, ErrorCode::kNotFound);
}

TEST_F(RegistryFixture, ThreadsAskAtTheSameTime) {
  LoopbackServer server([](const LoopbackServer::Request& request) {
    return LoopbackServer::Response{200, R"({"schema":"\")" + request.target.substr(13) + "\\\"\"}"};
  });
  RegistrySchemaStore store(settings({server.url()}), timing());
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int32_t id = 1; id <= 25; ++id)
        EXPECT_EQ(store.schema(SchemaId(id)).value(), "\"" + std::to_string(id) + "\"");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(server.requests(), 25);
  EXPECT_LE(server.connections(), 4);
}

TEST(RegistrySettings, WrongOnesAreRefusedWithoutShowingSecrets) {
  const auto message = [](const RegistrySettings& settings) {
    const Status status = check_registry_settings(settings);
    return status ? std::string("accepted") : status.error().message;
  };
  RegistrySettings settings;
  EXPECT_THAT(message(settings), HasSubstr("--schema-id"));
  settings.urls = {"localhost:8081"};
  EXPECT_THAT(message(settings), HasSubstr("http://localhost:8081"));
  settings.urls = {"https://"};
  EXPECT_THAT(message(settings), HasSubstr("no URL"));
  settings.urls = {"http://user:hunter2@localhost:8081"};
  EXPECT_THAT(message(settings), HasSubstr("[registry] user and password_file"));
  EXPECT_THAT(message(settings), Not(HasSubstr("hunter2")));
  settings.urls = {"http://localhost:8081/?a=b"};
  EXPECT_THAT(message(settings), HasSubstr("leave out"));
  settings.urls = {"https://localhost:8081/path@x"};
  EXPECT_EQ(message(settings), "accepted");
  settings.password = "hunter2";
  EXPECT_THAT(message(settings), HasSubstr("no user"));
  settings.user = "u";
  settings.key_file = "key.pem";
  EXPECT_THAT(message(settings), HasSubstr("belong together"));
}

}  // namespace
}  // namespace meterstream
