// Purpose: Redis servers of a test's own. tests/integration/with_redis names the script that starts them and where.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "connectors/redis/redis_settings.h"

namespace meterstream {

inline std::string redis_environment(const char* name) {
  const char* value = std::getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set; run this by tests/integration/with_redis";
  return value == nullptr ? "" : value;
}

class RedisServer {
 public:
  /// `options` of `deploy/local/redis start`.
  explicit RedisServer(std::string name, std::string options = "", bool is_started = true)
      : directory_(redis_environment("METERSTREAM_TEST_REDIS_FOLDER") + "/" + std::move(name)),
        options_(std::move(options)) {
    if (is_started) start();
  }
  ~RedisServer() { run("wipe"); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  void start() { EXPECT_NE(run("start " + options_), ""); }
  void kill() { run("kill"); }
  void restart() { run("restart"); }
  /// Output of redis-cli, without the last line break.
  std::string cli(const std::string& arguments) const { return run("cli", arguments); }
  void stop_process(bool stopped) const {
    pid_t pid = 0;
    std::ifstream(directory_ + "/pid") >> pid;
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, stopped ? SIGSTOP : SIGCONT), 0);
  }
  [[nodiscard]] const std::string& directory() const { return directory_; }

  /// Those of its client, with short time-outs.
  [[nodiscard]] RedisSettings settings() const {
    RedisSettings settings;
    settings.connect_timeout_ms = 2'000;
    settings.request_timeout_ms = 5'000;
    settings.first_pause_ms = 5;
    settings.longest_pause_ms = 20;
    const std::string text = run("client");
    settings.port = std::atoi(value(text, "port").c_str());
    settings.user = value(text, "user");
    settings.password = value(text, "password");
    settings.tls = value(text, "tls") == "true";
    settings.ca_file = value(text, "ca_file");
    settings.certificate_file = value(text, "certificate_file");
    settings.key_file = value(text, "key_file");
    return settings;
  }
  /// The port without TLS.
  [[nodiscard]] int32_t plain_port() const {
    const std::string address = run("address");
    return std::atoi(address.substr(address.find(':') + 1).c_str());
  }

 private:
  std::string run(const std::string& command, const std::string& arguments = "") const {
    const std::string line =
        fmt::format("'{}' {} --directory '{}' {}", redis_environment("METERSTREAM_TEST_REDIS_SCRIPT"), command,
                    directory_, arguments);
    FILE* pipe = popen(line.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::string output;
    char buffer[4'096];
    for (size_t count = 0; (count = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, count);
    EXPECT_EQ(pclose(pipe), 0) << line << "\n" << output;
    while (output.ends_with('\n')) output.pop_back();
    return output;
  }
  static std::string value(const std::string& text, const std::string& name) {
    const size_t found = text.find("\n" + name + " = ");
    if (found == std::string::npos) return "";
    const size_t begin = found + name.size() + 4;
    std::string value = text.substr(begin, text.find('\n', begin) - begin);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    return value;
  }

  std::string directory_;
  std::string options_;
};

}  // namespace meterstream
