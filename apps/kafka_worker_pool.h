// Purpose: threads that run workers of Kafka, and the first error of any of them.
// Thread-safety: one thread's; the workers run on threads of their own. Ends them when it dies.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "connectors/kafka/kafka_worker.h"

namespace meterstream {

class KafkaWorkerPool {
 public:
  ~KafkaWorkerPool() { stop_and_join(); }

  /// A group of workers that share `tasks` out among them, with workers of other processes; its number for add().
  size_t add_group(size_t tasks) {
    tasks_ += tasks;
    return groups_++;
  }
  void add(size_t group, std::unique_ptr<KafkaWorker> worker) {
    workers_.push_back(std::move(worker));
    group_of_.push_back(group);
  }
  void start() {
    threads_.reserve(workers_.size());
    for (const auto& worker : workers_) threads_.emplace_back([this, &worker] { run(*worker); });
  }
  void stop_and_join() {
    for (const auto& worker : workers_) worker->request_stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] bool are_at_end() const {
    return std::ranges::all_of(workers_, [](const auto& worker) { return worker->is_at_end(); });
  }
  /// Tasks that never came to their end in this process.
  [[nodiscard]] int64_t unfinished() const {
    std::set<std::pair<size_t, PartitionId>> finished;
    for (size_t i = 0; i < workers_.size(); ++i) {
      for (const PartitionId partition : workers_[i]->finished()) finished.emplace(group_of_[i], partition);
    }
    return static_cast<int64_t>(tasks_ - finished.size());
  }
  [[nodiscard]] bool has_failed() const { return failed_; }
  [[nodiscard]] Status result() const {
    const std::scoped_lock lock(mutex_);
    return result_;
  }
  [[nodiscard]] KafkaWorker::Restores restores() const {
    KafkaWorker::Restores all;
    for (const auto& worker : workers_) {
      const KafkaWorker::Restores one = worker->restores();
      all.tasks += one.tasks;
      all.rebuilt += one.rebuilt;
      all.entries += one.entries;
    }
    return all;
  }
  [[nodiscard]] std::vector<TaskStatus> status() const {
    std::vector<TaskStatus> all;
    for (const auto& worker : workers_) {
      for (TaskStatus& task : worker->status()) all.push_back(std::move(task));
    }
    return all;
  }

 private:
  void run(KafkaWorker& worker) {
    if (Status ran = worker.run(); !ran) {
      const std::scoped_lock lock(mutex_);
      if (result_) result_ = std::move(ran);
      failed_ = true;
    }
  }

  std::vector<std::unique_ptr<KafkaWorker>> workers_;
  std::vector<size_t> group_of_;
  size_t groups_ = 0;
  size_t tasks_ = 0;
  std::vector<std::thread> threads_;
  mutable std::mutex mutex_;
  Status result_;
  std::atomic<bool> failed_{false};
};

}  // namespace meterstream
