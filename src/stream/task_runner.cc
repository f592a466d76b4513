#include "stream/task_runner.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <system_error>
#include <thread>

#include <fmt/format.h>

namespace meterstream {

TaskRunner::TaskRunner(std::vector<std::unique_ptr<Task>> tasks, Options options) : options_(std::move(options)) {
  for (auto& task : tasks) {
    entries_.push_back(std::make_unique<Entry>());
    entries_.back()->task = std::move(task);
  }
  assign_stages();
}

// A task's stage is one above the highest stage that writes one of its inputs. Cycles stop at the number of tasks.
void TaskRunner::assign_stages() {
  for (size_t round = 0; round < entries_.size(); ++round) {
    bool changed = false;
    for (const auto& reader : entries_) {
      for (const std::string& topic : reader->task->inputs()) {
        for (const auto& writer : entries_) {
          const std::vector<std::string> outputs = writer->task->outputs();
          if (writer == reader || std::find(outputs.begin(), outputs.end(), topic) == outputs.end()) continue;
          if (reader->stage > writer->stage) continue;
          reader->stage = writer->stage + 1;
          changed = true;
        }
      }
    }
    if (!changed) return;
  }
}

bool TaskRunner::earlier_stages_finished(size_t stage) const {
  return std::all_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return entry->stage >= stage || entry->finished; });
}

std::vector<TaskStatus> TaskRunner::status() const {
  std::vector<TaskStatus> all;
  all.reserve(entries_.size());
  for (const auto& entry : entries_) all.push_back(entry->task->status());
  return all;
}

void TaskRunner::fail(Error error) {
  const std::scoped_lock lock(error_mutex_);
  if (result_) result_ = std::move(error);
  stop_ = true;
}

Status TaskRunner::advance(Entry& entry, bool& worked) {
  // Looked at before the step: what an earlier stage writes after it must still be read.
  const bool inputs_complete = earlier_stages_finished(entry.stage);
  if (options_.bounded && !inputs_complete && entry.task->needs_whole_inputs()) return {};
  ASSIGN_OR_RETURN(const Task::Step step, entry.task->step());
  if (step == Task::Step::kWorked) {
    worked = true;
  } else if (step == Task::Step::kExhausted && options_.bounded && inputs_complete) {
    RETURN_IF_ERROR(entry.task->finish(options_.close_at_end));
    entry.finished = true;
    worked = true;
  }
  return {};
}

/// What each thread has to do.
std::vector<std::vector<TaskRunner::Entry*>> TaskRunner::shares() const {
  std::vector<std::vector<Entry*>> shares(std::max<size_t>(options_.threads, 1));
  std::map<std::string, std::vector<Entry*>> waiting;
  size_t next = 0;
  for (const auto& entry : entries_) {
    const std::string reason = entry->task->waits_for();
    if (!reason.empty())
      waiting[reason].push_back(entry.get());
    else
      shares[next++ % shares.size()].push_back(entry.get());
  }
  std::erase_if(shares, [](const std::vector<Entry*>& share) { return share.empty(); });
  for (auto& [reason, share] : waiting) shares.push_back(std::move(share));
  return shares;
}

void TaskRunner::work(const std::vector<Entry*>& mine) {
  for (Entry* entry : mine) {
    if (stop_) break;
    if (Status opened = entry->task->open(); !opened) fail(std::move(opened).error());
  }
  while (!stop_) {
    bool worked = false;
    bool all_finished = true;
    for (Entry* entry : mine) {
      if (entry->finished || stop_) continue;
      all_finished = false;
      if (Status advanced = advance(*entry, worked); !advanced) fail(std::move(advanced).error());
    }
    if (all_finished) break;
    if (!worked) std::this_thread::sleep_for(std::chrono::milliseconds(options_.rest_ms));
  }
  const bool failed = [&] {
    const std::scoped_lock lock(error_mutex_);
    return !result_;
  }();
  for (Entry* entry : mine) {
    if (entry->finished || failed) continue;
    if (Status finished = entry->task->finish(false); !finished) fail(std::move(finished).error());
  }
  --running_threads_;
}

Status TaskRunner::run() {
  const std::vector<std::vector<Entry*>> all = shares();
  running_threads_ = all.size();
  std::vector<std::thread> threads;
  threads.reserve(all.size());
  try {
    for (const std::vector<Entry*>& share : all) threads.emplace_back([this, &share] { work(share); });
  } catch (const std::system_error& failure) {
    running_threads_ -= all.size() - threads.size();
    fail(
        Error{ErrorCode::kUnavailable,
              fmt::format("no thread for a task: {}; raise the limit of threads, or try again later", failure.what())});
  }
  int64_t waited_ms = 0;
  while (running_threads_ > 0) {
    constexpr int64_t kLookMs = 10;
    std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
    waited_ms += kLookMs;
    if (options_.on_progress && waited_ms >= options_.progress_ms) {
      options_.on_progress(status());
      waited_ms = 0;
    }
  }
  for (std::thread& thread : threads) thread.join();
  return result_;
}

}  // namespace meterstream
