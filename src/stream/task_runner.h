// Purpose: drives tasks on threads until told to stop, or until their inputs are at the end.
// Rules: a task belongs to one thread. Tasks that wait for something outside have threads of their own, one for all that wait
//        for the same, so that views go on while a store is away. In a bounded run, tasks that write a topic finish (closing what is open) before
//        tasks that read it, so that the last results reach the last reader.
// Thread-safety: run() once; request_stop() from any thread.
// Errors: the first error of any task stops all and is what run() returns; what was committed stays.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "stream/task.h"

namespace meterstream {

class TaskRunner {
 public:
  struct Options {
    /// Of the tasks that wait for nothing.
    size_t threads = 1;
    bool bounded = false;
    /// In a bounded run: false leaves windows open for a later run.
    bool close_at_end = true;
    /// How long a thread rests when none of its tasks had work.
    int64_t rest_ms = 5;
    /// Called about every `progress_ms` on the caller's thread.
    int64_t progress_ms = 200;
    std::function<void(const std::vector<TaskStatus>&)> on_progress;
  };

  TaskRunner(std::vector<std::unique_ptr<Task>> tasks, Options options);

  /// Opens, runs and finishes all tasks; blocks until done. kCancelled is not an error here: a stop is a success.
  Status run();
  void request_stop() { stop_ = true; }
  [[nodiscard]] std::vector<TaskStatus> status() const;

 private:
  struct Entry {
    std::unique_ptr<Task> task;
    size_t stage = 0;
    std::atomic<bool> finished{false};
  };

  void assign_stages();
  [[nodiscard]] bool earlier_stages_finished(size_t stage) const;
  [[nodiscard]] std::vector<std::vector<Entry*>> shares() const;
  void work(const std::vector<Entry*>& mine);
  Status advance(Entry& entry, bool& worked);
  void fail(Error error);

  std::vector<std::unique_ptr<Entry>> entries_;
  Options options_;
  std::atomic<bool> stop_{false};
  std::atomic<size_t> running_threads_{0};
  std::mutex error_mutex_;
  Status result_;
};

}  // namespace meterstream
