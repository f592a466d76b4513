#include "stream/task_runner.h"

#include <chrono>
#include <condition_variable>
#include <thread>

#include <gtest/gtest.h>

namespace meterstream {
namespace {

constexpr std::chrono::seconds kLongest(10);

/// What tasks of one test tell each other.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  int steps = 0;

  void count_step() {
    const std::scoped_lock lock(mutex);
    ++steps;
    changed.notify_all();
  }
  bool await_steps(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLongest, [&] { return steps >= wanted; });
  }
};

class TestTask : public Task {
 public:
  Status open() override { return {}; }
  Status finish(bool /*close*/) override { return {}; }
  [[nodiscard]] std::vector<std::string> inputs() const override { return {"readings"}; }
  [[nodiscard]] std::vector<std::string> outputs() const override { return {}; }
};

/// A view: ends after some steps.
class BusyTask final : public TestTask {
 public:
  BusyTask(Meeting& meeting, int steps) : meeting_(meeting), left_(steps) {}
  Result<Step> step() override {
    if (left_ == 0) return Step::kExhausted;
    --left_;
    meeting_.count_step();
    return Step::kWorked;
  }

 private:
  Meeting& meeting_;
  int left_;
};

/// A sink whose store is away: a step ends when others have gone on.
class HeldUpTask final : public TestTask {
 public:
  HeldUpTask(Meeting& meeting, int until, std::string store)
      : meeting_(meeting), until_(until), store_(std::move(store)) {}
  Result<Step> step() override {
    if (!meeting_.await_steps(until_)) return unavailable("nobody else went on");
    if (std::exchange(is_done_, true)) return Step::kExhausted;
    meeting_.count_step();
    return Step::kWaiting;
  }
  [[nodiscard]] std::string waits_for() const override { return store_; }

 private:
  Meeting& meeting_;
  int until_;
  std::string store_;
  bool is_done_ = false;
};

TEST(TaskRunner, ViewsGoOnWhileASinkWaitsForItsStore) {
  constexpr int kSteps = 100;
  Meeting meeting;
  std::vector<std::unique_ptr<Task>> tasks;
  tasks.push_back(std::make_unique<HeldUpTask>(meeting, kSteps, "cassandra"));
  tasks.push_back(std::make_unique<BusyTask>(meeting, kSteps));
  TaskRunner::Options options;
  options.threads = 1;
  options.bounded = true;
  TaskRunner runner(std::move(tasks), options);
  const Status ran = runner.run();
  EXPECT_TRUE(ran) << ran.error().message;
}

TEST(TaskRunner, ASinkGoesOnWhileAnotherWaitsForItsStore) {
  Meeting meeting;
  std::vector<std::unique_ptr<Task>> tasks;
  tasks.push_back(std::make_unique<HeldUpTask>(meeting, 1, "cassandra"));
  tasks.push_back(std::make_unique<HeldUpTask>(meeting, 0, "redis"));
  TaskRunner::Options options;
  options.bounded = true;
  TaskRunner runner(std::move(tasks), options);
  const Status ran = runner.run();
  EXPECT_TRUE(ran) << ran.error().message;
}

}  // namespace
}  // namespace meterstream
