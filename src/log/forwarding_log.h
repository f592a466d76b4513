// Purpose: base of logs that stand in front of another one and change a part of its behaviour: what is not overridden
//          goes through unchanged.
// Ownership: the inner log must outlive it. Thread-safety, errors, guarantees: those of the inner log.
#pragma once

#include "log/event_log.h"

namespace meterstream {

class ForwardingLog : public EventLog {
 public:
  Result<TopicDescription> create_topic(const TopicConfig& config) override { return inner_.create_topic(config); }
  Result<TopicDescription> describe_topic(std::string_view topic) override { return inner_.describe_topic(topic); }
  Result<std::vector<std::string>> topics() override { return inner_.topics(); }
  Status read(const TopicPartition& source, Offset from, size_t max_bytes, RecordSet& out) override {
    return inner_.read(source, from, max_bytes, out);
  }
  Result<OffsetRange> offsets(const TopicPartition& source) override { return inner_.offsets(source); }
  Result<bool> await_data(const TopicPartition& source, Offset from, int64_t timeout_ms) override {
    return inner_.await_data(source, from, timeout_ms);
  }
  Status commit(Transaction&& transaction, Durability durability) override {
    return inner_.commit(std::move(transaction), durability);
  }
  Result<std::optional<GroupPosition>> position(std::string_view group, const TopicPartition& source) override {
    return inner_.position(group, source);
  }

 protected:
  explicit ForwardingLog(EventLog& inner) : inner_(inner) {}
  [[nodiscard]] EventLog& inner() const { return inner_; }

 private:
  EventLog& inner_;
};

}  // namespace meterstream
