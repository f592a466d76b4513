// Purpose: a few threads for work that waits, with a bounded queue.
// Thread-safety: submit() from any thread; stop() from any but the workers.
// Errors: what work throws ends that work only; what it owns (such as a responder) goes and says so.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace meterstream {

class WorkerPool {
 public:
  using Work = std::move_only_function<void()>;

  WorkerPool(size_t threads, size_t queue_limit) : queue_limit_(queue_limit) {
    for (size_t thread = 0; thread < threads; ++thread) {
      threads_.emplace_back([this] { run(); });
    }
  }
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False: the queue is full or the pool stopped; the work is left as it was.
  bool submit(Work& work) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_ || queue_.size() >= queue_limit_) return false;
      queue_.push_back(std::move(work));
    }
    changed_.notify_one();
    return true;
  }

  /// Waits for what runs; what waits is dropped.
  void stop() {
    std::deque<Work> dropped;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      dropped.swap(queue_);
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  void run() {
    while (true) {
      Work work;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
        if (stopped_) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      try {
        work();
      } catch (...) {
        // Out of memory, most likely, for this work; the others go on.
        work = nullptr;
      }
    }
  }

  const size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace meterstream
