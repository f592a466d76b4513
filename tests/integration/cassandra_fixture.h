// Purpose: what the tests against real Cassandra nodes share. The shared node's address is in METERSTREAM_TEST_CASSANDRA.
#pragma once

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "connectors/cassandra/cassandra_settings.h"

namespace meterstream {

inline std::string environment_of(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// A cluster in its own directory beside the shared one; with_cassandra removes it. An empty name is the shared one.
class CassandraCluster {
 public:
  explicit CassandraCluster(const std::string& name = "")
      : directory_(environment_of("METERSTREAM_TEST_CASSANDRA_DIRECTORY") + (name.empty() ? "" : "-" + name)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// What the script printed, without the last line break.
  std::string script(const std::string& arguments, const std::string& input = "") const {
    const std::string command = fmt::format("printf '%s' \"{}\" | '{}' {} --directory '{}'", input,
                                            environment_of("METERSTREAM_TEST_CASSANDRA_SCRIPT"), arguments, directory_);
    FILE* pipe = popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> buffer{};
    while (const size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), size);
    const int status = pclose(pipe);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << command << "\n" << output;
    while (output.ends_with('\n')) output.pop_back();
    return output;
  }
  /// Signals the process of node 1.
  void signal(const std::string& name) const {
    const std::string command = fmt::format("kill -{} $(cut -d ' ' -f 1 '{}/node-1/pid')", name, directory_);
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

 private:
  std::string directory_;
};

/// Each call another keyspace.
inline CassandraSettings cassandra_test_settings() {
  static std::atomic<int> number = 0;
  CassandraSettings settings;
  settings.hosts = environment_of("METERSTREAM_TEST_CASSANDRA");
  settings.keyspace = fmt::format("test_{}", ++number);
  settings.request_timeout_ms = 10'000;
  return settings;
}

/// Messages of on_change.
class CassandraNews {
 public:
  void listen_to(CassandraSettings& settings) {
    settings.on_change = [this](std::string_view message) {
      const std::scoped_lock lock(mutex_);
      messages_.emplace_back(message);
    };
  }
  std::vector<std::string> messages() {
    const std::scoped_lock lock(mutex_);
    return messages_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> messages_;
};

}  // namespace meterstream
