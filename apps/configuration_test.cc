#include "apps/configuration.h"

#include <gtest/gtest.h>

#include "apps/command_line.h"

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
