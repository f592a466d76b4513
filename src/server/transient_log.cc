#include "server/transient_log.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace meterstream {

TransientLog::TransientLog(EventLog& log, EventLog& follower, const Clock& clock, std::set<std::string> topics_read,
                           std::map<TopicPartition, Offset> starts, std::string results, TakeResults take)
    : ForwardingLog(log),
      follower_(follower),
      clock_(clock),
      topics_read_(std::move(topics_read)),
      starts_(std::move(starts)),
      results_(std::move(results)),
      take_(std::move(take)) {}

Result<TopicDescription> TransientLog::create_topic(const TopicConfig& config) {
  if (is_read(config.name)) return inner().create_topic(config);
  {
    const std::scoped_lock lock(mutex_);
    own_.try_emplace(config.name, config);
  }
  return describe_topic(config.name);
}

Result<TopicDescription> TransientLog::describe_topic(std::string_view topic) {
  if (is_read(topic)) return inner().describe_topic(topic);
  const std::scoped_lock lock(mutex_);
  const auto own = own_.find(topic);
  if (own == own_.end()) return not_found(fmt::format("topic {} does not exist", topic));
  TopicDescription description;
  description.config = own->second;
  description.partitions.resize(static_cast<size_t>(own->second.partitions));
  return description;
}

Status TransientLog::read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) {
  return follower_.read(source, from, max_bytes, out);
}

Result<OffsetRange> TransientLog::offsets(const TopicPartition& source) {
  if (!is_read(source.topic)) return OffsetRange{};
  ASSIGN_OR_RETURN(OffsetRange range, inner().offsets(source));
  const auto start = starts_.find(source);
  if (start != starts_.end()) {
    range.begin = std::max(range.begin, start->second);
    range.end = std::max(range.begin, range.end);
  }
  return range;
}

Result<bool> TransientLog::await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) {
  return follower_.await_data(source, from, timeout_ms);
}

Status TransientLog::commit(Transaction&& transaction, Durability /*durability*/) {
  for (Transaction::Append& append : transaction.appends) {
    if (append.target.topic != results_ || append.records.empty()) continue;
    const std::string bytes = append.records.finish(Offset(0), clock_.now());
    std::vector<RecordView> records;
    RETURN_IF_ERROR(parse_record_batch(bytes, Offset(0), records));
    ASSIGN_OR_RETURN(const bool goes_on, take_(records));
    if (!goes_on) return cancelled("nobody asks for the results any more");
  }
  return {};
}

Result<std::optional<GroupPosition>> TransientLog::position(std::string_view /*group*/,
                                                            const TopicPartition& /*source*/) {
  return std::optional<GroupPosition>();
}

}  // namespace meterstream
