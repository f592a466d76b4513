// Purpose: one thread of a scaled-out pass: a member of a consumer group that runs a task for each partition it is
//          given, each with state in its own partition of the changelog. More workers, in this process or in others with the
//          same group, share the partitions out among them.
// Rules: partitions given away are committed first; partitions lost are dropped without commit, their next owner goes on
//        from the last commit. A pass that one task must do for all partitions is done by the member that holds the only
//        partition of its changelog.
// Guarantee: exactly once, see KafkaLog. A worker that lost its place (stopped for longer than the session timeout)
//            cannot commit. Tasks of a worker commit together, while they already work on what comes next. With
//            KafkaGuarantee::kAtLeastOnce: results of a commit that was under way when the worker died or lost its place
//            may be written again; state and position stay true to each other.
// Thread-safety: run() blocks its thread; the other methods from any thread.
// Errors of run: what retrying cannot mend: a topic deleted or cut (kNotFound, kOutOfRange), another definition
//                (kConflict), corrupt data, a local store that cannot write any more (kUnavailable). While the cluster or the registry is away it waits, says so once through
//                KafkaWorkerOptions::on_trouble, and goes on when they are back.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connectors/kafka/changelog_ownership.h"
#include "connectors/kafka/commit_cadence.h"
#include "connectors/kafka/kafka_log.h"
#include "stream/task.h"

namespace meterstream {

enum class KafkaGuarantee : uint8_t { kExactlyOnce, kAtLeastOnce };

struct KafkaWorkerOptions {
  KafkaSettings settings;
  /// Consumer group; the same for all workers of the pass.
  std::string group;
  /// Differs for every worker that runs at a time.
  std::string transactional_id;
  KafkaConsumerOptions membership;
  /// Topic that is read.
  std::string source;
  int32_t source_partitions = 1;
  /// Another one that the tasks read beside it; empty: none. With a task for each partition it has equally many.
  std::string second_source;
  int32_t second_source_partitions = 0;
  /// Compacted topic with a partition for each task; exists.
  std::string changelog;
  bool task_per_partition = true;
  KafkaGuarantee guarantee = KafkaGuarantee::kExactlyOnce;
  /// Ends when everything that was assigned is at its end; `close_at_end` closes the windows then.
  bool bounded = false;
  bool close_at_end = true;
  /// All tasks of the worker commit together, so often. They must not do so on their own, except for memory.
  int64_t commit_interval_ms = 200;
  /// How long to wait for the group when no task had work.
  int64_t rest_ms = 5;
  int64_t retry_first_ms = 100;
  int64_t retry_longest_ms = 5'000;
  std::function<void(const std::string& message)> on_trouble;
  /// Shared with the standby and the other workers of the process; null: nobody else writes the same mirrors.
  std::shared_ptr<ChangelogOwnership> ownership;
};

/// How the worker's tasks are made. `make` is called on the worker's thread; the log outlives the task.
struct KafkaTaskFactory {
  std::function<Result<std::unique_ptr<Task>>(const std::vector<PartitionId>&, EventLog&)> make;
  /// Keys that the task for these partitions keeps in the local store begin with one of these.
  std::function<std::vector<std::pair<Space, std::string>>(const std::vector<PartitionId>&)> state_prefixes;
};

class KafkaWorker {
 public:
  /// `local` holds the mirror of the changelogs; it and `clock` must outlive the worker.
  KafkaWorker(KafkaWorkerOptions options, KafkaTaskFactory factory, std::shared_ptr<KafkaTopics> topics,
              KeyValueStore& local, const Clock& clock);
  ~KafkaWorker();
  KafkaWorker(const KafkaWorker&) = delete;
  KafkaWorker& operator=(const KafkaWorker&) = delete;

  /// Joins the group and works until request_stop(); then commits and leaves.
  Status run();
  void request_stop() { stop_ = true; }
  /// In a bounded run: in the group, and every task at its end and closed. A new assignment may make it false again.
  [[nodiscard]] bool is_at_end() const { return at_end_; }
  /// In a bounded run: partitions of the changelog whose tasks came to their end here, whoever has them now.
  [[nodiscard]] std::set<PartitionId> finished() const;
  /// Of the tasks it has, or had when it was stopped; the records of those it gave back before are one more.
  [[nodiscard]] std::vector<TaskStatus> status() const;

  /// How the tasks it was given found their state.
  struct Restores {
    int64_t tasks = 0;
    /// Without a mirror that serves, from a changelog that holds something.
    int64_t rebuilt = 0;
    /// Records read from changelogs.
    int64_t entries = 0;
  };
  [[nodiscard]] Restores restores() const;

 private:
  struct Entry;
  /// What failed is tried again after pauses that grow.
  struct Patience {
    int64_t pause_ms = 0;
    int64_t until_ns = 0;
  };
  using Entries = std::map<PartitionId, std::shared_ptr<Entry>>;

  Status serve();
  Error doubt(Error error);
  Status join();
  Status work_once(bool& worked);
  Status open_entry(Entry& entry);
  /// The group shares out the partitions of the source itself; else those of the changelog.
  [[nodiscard]] bool is_member_of_source() const {
    return options_.task_per_partition && options_.second_source.empty();
  }
  Status await_settled(const std::vector<PartitionId>& sources, PartitionId own);
  Status advance(Entry& entry, bool& worked);
  Status step(Entry& entry, bool& worked);
  Status commit_if_due();
  /// Of all tasks, beside the work that follows.
  Status begin_commit();
  [[nodiscard]] bool is_standing_still() const;
  void trace_first_commit();
  /// Of what the tasks have given; until it is made.
  Status end_commit();
  Status settle();
  Status handle_failure(Entry& entry, Error error);
  Status handle_failed_commit(Error error);
  void add(const std::vector<TopicPartition>& partitions);
  void give_back(const std::vector<TopicPartition>& partitions);
  /// What others have by now.
  void lose(const std::vector<TopicPartition>& partitions);
  void drop(const std::vector<TopicPartition>& partitions);
  void drop_all();
  /// Both with entries_mutex_ held, and without a commit under way.
  void reset(Entry& entry);
  void reset_unfinished();
  Status finish_all();
  Status renew_producer();
  [[nodiscard]] bool may_pass(const Error& error) const;
  [[nodiscard]] bool may_join_again();
  void wait_before_retry();
  void prolong(Patience& patience) const;
  void tell(const std::string& message);
  [[nodiscard]] Entries entries() const;

  KafkaWorkerOptions options_;
  KafkaTaskFactory factory_;
  std::shared_ptr<KafkaTopics> topics_;
  KeyValueStore& local_;
  const Clock& clock_;
  std::shared_ptr<KafkaConsumer> member_;
  std::shared_ptr<KafkaConsumer> reader_;  // changelogs, and the source of a task over all partitions
  std::shared_ptr<KafkaWriter> producer_;
  KafkaCommitPipeline pipeline_;
  CommitCadence cadence_;
  mutable std::mutex entries_mutex_;  // the worker's thread alone changes entries_
  Entries entries_;
  std::optional<std::vector<TaskStatus>> final_status_;  // once everything is given back
  std::set<PartitionId> finished_;
  int64_t records_of_closed_ = 0;
  Restores restores_;
  bool has_joined_ = false;
  std::optional<int64_t> assigned_ns_;  // until the first commit with all that was assigned
  std::optional<int64_t> fenced_at_ns_;
  int times_fenced_ = 0;
  int conflicts_in_a_row_ = 0;
  Patience patience_;
  /// What the group made it do failed beyond retrying.
  Status failure_;
  std::string last_trouble_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> at_end_{false};
};

}  // namespace meterstream
