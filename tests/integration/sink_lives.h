// Purpose: a sink that is run by one process (dying_sink) after the other on an embedded log, each killed where a test wants it.
// Include it where METERSTREAM_DYING_SINK names that program.
// Thread-safety: none. The data directory belongs to a process at a time: let data() go before a life begins.
#pragma once

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/data_directory.h"
#include "testing/temporary_directory.h"

namespace meterstream {

/// What METERSTREAM_SEED says, or any; printed, so that a run can be repeated.
inline uint64_t seed_of_run() {
  const char* given = std::getenv("METERSTREAM_SEED");
  const uint64_t seed = given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
  std::cerr << "METERSTREAM_SEED=" << seed << "\n";
  return seed;
}

/// METERSTREAM_KILLS asks for more.
inline int kills_of_run() {
  const char* given = std::getenv("METERSTREAM_KILLS");
  return given == nullptr ? 50 : std::atoi(given);
}

class SinkLives {
 public:
  /// `settings`: meterstream.toml.
  explicit SinkLives(const std::string& settings) { write("settings.toml", settings); }
  ~SinkLives() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), wait();
  }
  SinkLives(const SinkLives&) = delete;
  SinkLives& operator=(const SinkLives&) = delete;

  [[nodiscard]] std::unique_ptr<DataDirectory> data() const {
    auto opened = DataDirectory::open(path("data"), DataDirectory::Mode::kCreate, clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }

  /// Starts a life with this sink; one at a time.
  void start(const std::string& sql, std::string_view moment = "never", int64_t count = 0, int64_t delay_us = 0) {
    write("sinks.sql", sql);
    const std::vector<std::string> words = {METERSTREAM_DYING_SINK,  path("data"),        path("settings.toml"),
                                            path("sinks.sql"),       std::string(moment), std::to_string(count),
                                            std::to_string(delay_us)};
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string said = path("said");
    const int output = ::open(said.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT_GE(output, 0) << said;
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      ::dup2(output, STDERR_FILENO);
      ::execv(arguments.front(), arguments.data());
      ::_exit(127);
    }
    ::close(output);
  }
  /// Until the life has ended: its status as waitpid() gives it.
  int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return status;
  }
  /// Until everything is in the store.
  void finish() {
    const int status = wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status << ": " << said();
  }
  /// What the life has said up to now.
  [[nodiscard]] std::string said() const {
    std::ostringstream text;
    text << std::ifstream(path("said")).rdbuf();
    return text.str();
  }

  /// So many lives, each of which dies at a random one of its first commits, in turn before the store is asked to keep what was
  /// read, while it does, when it has and the position is not committed, and when both are.
  void live_and_die(const std::string& sql, int kills, std::mt19937_64& random) {
    constexpr std::string_view kMoments[] = {"before-position", "in-write", "before-position", "before-write",
                                             "after-position"};
    constexpr uint64_t kMostCommits = 6;
    constexpr uint64_t kLongestDelayUs = 3'000;
    for (int kill = 0; kill < kills; ++kill) {
      start(sql, kMoments[static_cast<size_t>(kill) % std::size(kMoments)],
            static_cast<int64_t>(1 + random() % kMostCommits), static_cast<int64_t>(random() % kLongestDelayUs));
      const int status = wait();
      ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "kill " << kill << ": " << said();
      ASSERT_EQ(said(), "") << "kill " << kill;
    }
  }

 private:
  [[nodiscard]] std::string path(const char* name) const { return (directory_.path() / name).string(); }
  void write(const char* name, const std::string& text) const { std::ofstream(path(name)) << text; }

  TemporaryDirectory directory_;
  SystemClock clock_;
  pid_t pid_ = 0;
};

}  // namespace meterstream
