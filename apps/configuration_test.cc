#include "apps/configuration.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "apps/command_line.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

std::string failure(std::string_view toml) {
  const auto result = parse_configuration(toml, "m.toml");
  return result ? "accepted" : result.error().message;
}

TEST(Configuration, FileOverridesDefaults) {
  const auto configuration = parse_configuration(
      "data_dir = \"/srv/meters\"\n[engine]\nthreads = 3\nmemory_budget = \"2GB\"\ndurable = false\n"
      "[time]\nidle_timeout = \"5s\"\n[replay]\nrate = \"1.5M\"\ncommit_interval = \"50ms\"\n",
      "m.toml");
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->data_dir, "/srv/meters");
  EXPECT_EQ(configuration->engine.threads, 3);
  EXPECT_EQ(configuration->engine.memory_budget_bytes, 2'000'000'000);
  EXPECT_FALSE(configuration->engine.durable);
  EXPECT_EQ(configuration->time.idle_timeout_ms, 5000);
  EXPECT_EQ(configuration->time.max_ahead_ms, Configuration().time.max_ahead_ms);
  EXPECT_EQ(configuration->replay.rate, 1'500'000);
  EXPECT_EQ(configuration->replay.commit_interval_ms, 50);
}

TEST(Configuration, UnknownKeyNamesTheNearest) {
  EXPECT_EQ(failure("[engine]\n\nthread = 3\n"),
            "m.toml:3: engine.thread: unknown key. Did you mean 'engine.threads'?");
  EXPECT_NE(failure("flowers = 1\n").find("Known are data_dir, "), std::string::npos);
}

TEST(Configuration, BadValuesNameFileLineAndWhatIsWanted) {
  EXPECT_NE(failure("[engine]\nthreads = true\n").find("m.toml:2: engine.threads: a whole number"), std::string::npos);
  EXPECT_NE(failure("[time]\nidle_timeout = \"soon\"\n").find("m.toml:2: time.idle_timeout: "), std::string::npos);
  EXPECT_NE(failure("[replay]\npartitions = 0\n").find("at least 1"), std::string::npos);
  EXPECT_NE(failure("data_dir = 5\n").find("text in quotes"), std::string::npos);
  EXPECT_TRUE(failure("[engine\n").starts_with("m.toml:1:")) << failure("[engine\n");
}

TEST(Configuration, ClusterAndRegistryAreSectionsOfTheirOwn) {
  const auto configuration = parse_configuration(
      "[kafka]\nbrokers = [\"a:9092\", \"b:9092\"]\nreplication_factor = 2\npartitions = 12\n"
      "request_timeout = \"3s\"\ntransaction_timeout = \"20s\"\nsession_timeout = \"6s\"\ncommit_interval = "
      "\"50ms\"\nstatic_member = \"one\"\nguarantee = \"at-least-once\"\nstandby = true\n"
      "client_id = \"readers\"\n"
      "[registry]\nurl = [\"http://a:8081\", \"http://b:8081\"]\nuser = \"reader\"\npassword_file = \"/run/secret\"\n"
      "ca_file = \"ca.pem\"\ncertificate_file = \"c.pem\"\nkey_file = \"k.pem\"\nverify = false\n"
      "schema_file = \"m.avsc\"\nschema_id = 7\nunknown_schema = \"reject\"\n",
      "m.toml");
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->kafka.brokers, "a:9092,b:9092");
  EXPECT_EQ(configuration->kafka.client_id, "readers");
  EXPECT_EQ(configuration->kafka.replication_factor, 2);
  EXPECT_EQ(configuration->kafka.partitions, 12);
  EXPECT_EQ(configuration->kafka.request_timeout_ms, 3'000);
  EXPECT_EQ(configuration->kafka.transaction_timeout_ms, 20'000);
  EXPECT_EQ(configuration->kafka.session_timeout_ms, 6'000);
  EXPECT_EQ(configuration->kafka.commit_interval_ms, 50);
  EXPECT_EQ(configuration->kafka.static_member, "one");
  EXPECT_EQ(configuration->kafka.guarantee, ClusterGuarantee::kAtLeastOnce);
  EXPECT_TRUE(configuration->kafka.standby);
  const RegistrySettings& registry = configuration->registry;
  EXPECT_EQ(registry.urls, (std::vector<std::string>{"http://a:8081", "http://b:8081"}));
  EXPECT_EQ(registry.user, "reader");
  EXPECT_EQ(registry.password_file, "/run/secret");
  EXPECT_EQ(registry.ca_file, "ca.pem");
  EXPECT_EQ(registry.certificate_file, "c.pem");
  EXPECT_EQ(registry.key_file, "k.pem");
  EXPECT_FALSE(registry.verify);
  EXPECT_EQ(registry.schema_file, "m.avsc");
  EXPECT_EQ(registry.schema_id, 7);
  EXPECT_FALSE(registry.wait_for_unknown);
}

TEST(Configuration, SettingsOfLibrdkafkaPassThroughDottedOrQuoted) {
  const auto configuration = parse_configuration(
      "[kafka.librdkafka]\nsecurity.protocol = \"SASL_SSL\"\nsasl.password = \"hunter2\"\nsasl.username = \"u\"\n"
      "\"queued.min.messages\" = 1000\nenable.ssl.certificate.verification = false\n",
      "m.toml");
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->kafka.librdkafka,
            (std::map<std::string, std::string>{{"security.protocol", "SASL_SSL"},
                                                {"sasl.password", "hunter2"},
                                                {"sasl.username", "u"},
                                                {"queued.min.messages", "1000"},
                                                {"enable.ssl.certificate.verification", "false"}}));
}

TEST(Configuration, SecretsAreNeverPrinted) {
  EXPECT_EQ(printable_setting("sasl.password", "hunter2"), "***");
  EXPECT_EQ(printable_setting("SASL.Password", "hunter2"), "***");
  EXPECT_EQ(printable_setting("sasl.oauthbearer.client.secret", "hunter2"), "***");
  EXPECT_EQ(printable_setting("ssl.key.pem", "hunter2"), "***");
  EXPECT_EQ(printable_setting("sasl.username", "reader"), "reader");
  for (const char* toml :
       {"[registry]\npassword = [\"hunter2\"]\n", "[kafka.librdkafka]\nsasl.password = [\"hunter2\"]\n",
        "[registry]\npasswort = \"hunter2\"\n", "[registry]\npassword = \"hunter2\n"}) {
    EXPECT_EQ(failure(toml).find("hunter2"), std::string::npos) << failure(toml);
    EXPECT_NE(failure(toml), "accepted");
  }
}

TEST(Configuration, BadClusterAndRegistryValuesAreNamed) {
  EXPECT_NE(failure("[kafka]\nbrokers = 9092\n").find("m.toml:2: kafka.brokers: a text in quotes"), std::string::npos);
  EXPECT_NE(failure("[registry]\nurl = []\n").find("at least one text"), std::string::npos);
  EXPECT_NE(failure("[registry]\nschema_id = 5000000000\n").find("4 bytes"), std::string::npos);
  EXPECT_NE(failure("[registry]\nunknown_schema = \"skip\"\n").find("\"reject\" is wanted"), std::string::npos);
  EXPECT_NE(failure("[kafka]\nbroker = \"a\"\n").find("Did you mean 'kafka.brokers'?"), std::string::npos);
}

TEST(Configuration, ThePasswordOfTheEnvironmentWins) {
  const TemporaryDirectory directory;
  const std::string file = (directory.path() / "m.toml").string();
  std::ofstream(file) << "[registry]\nuser = \"u\"\npassword_file = \"/nowhere\"\n";
  ASSERT_EQ(setenv(kRegistryPasswordVariable, "from the environment", 1), 0);
  const auto configuration = load_configuration(file);
  unsetenv(kRegistryPasswordVariable);
  ASSERT_TRUE(configuration) << configuration.error().message;
  EXPECT_EQ(configuration->registry.password, "from the environment");
  EXPECT_EQ(configuration->registry.password_file, "");
}

TEST(Configuration, MissingNamedFileIsAnError) {
  ASSERT_FALSE(load_configuration("/nowhere/m.toml"));
  EXPECT_EQ(load_configuration("/nowhere/m.toml").error().code, ErrorCode::kInvalid);
}

TEST(ExitCode, TellsScriptsWhatToDo) {
  EXPECT_EQ(exit_code_of(invalid("")), ExitCode::kUsage);
  EXPECT_EQ(exit_code_of(conflict("")), ExitCode::kDataDirectory);
  EXPECT_EQ(exit_code_of(unavailable("")), ExitCode::kDataDirectory);
  EXPECT_EQ(exit_code_of(corrupt("")), ExitCode::kCorrupt);
  EXPECT_EQ(exit_code_of(cancelled("")), ExitCode::kInterrupted);
  EXPECT_EQ(exit_code_of(not_found("")), ExitCode::kFailed);
}

}  // namespace
}  // namespace meterstream
