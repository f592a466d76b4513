// Purpose: the log that a query without a topic of its own runs on: reads go to the real log, results go to whoever asked, and nothing else is
//          written anywhere.
// Guarantee: topics that the query reads are as they are, from where it began; all others are there for it alone, and empty.
// Thread-safety: as EventLog. Ownership: both logs must outlive it.
// Errors: those of the logs; kCancelled of a commit when nobody takes results any more.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "log/forwarding_log.h"

namespace meterstream {

class TransientLog final : public ForwardingLog {
 public:
  /// Takes results in their order; may wait. False: nobody wants them.
  using TakeResults = std::function<Result<bool>(const std::vector<RecordView>& records)>;

  /// `follower` gives records, and may answer later that there is nothing new. `starts`: where topics begin for the query;
  /// at their beginning where it says nothing. `results`: the topic whose records are results.
  TransientLog(EventLog& log, EventLog& follower, const Clock& clock, std::set<std::string> topics_read,
               std::map<TopicPartition, Offset> starts, std::string results, TakeResults take);

  Result<TopicDescription> create_topic(const TopicConfig& config) override;
  Result<TopicDescription> describe_topic(std::string_view topic) override;
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override;
  Result<OffsetRange> offsets(const TopicPartition& source) override;
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override;
  Status commit(Transaction&& transaction, Durability durability) override;
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override;

 private:
  [[nodiscard]] bool is_read(std::string_view topic) const { return topics_read_.contains(std::string(topic)); }

  EventLog& follower_;
  const Clock& clock_;
  const std::set<std::string> topics_read_;
  const std::map<TopicPartition, Offset> starts_;
  const std::string results_;
  const TakeResults take_;
  std::mutex mutex_;  // of what it created for itself
  std::map<std::string, TopicConfig, std::less<>> own_;
};

}  // namespace meterstream
