// Purpose: puts records into librdkafka's producer and learns what became of them; inside this folder only.
// Thread-safety: one thread at a time.
// Errors: those of librdkafka, as kafka_error() gives them.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka/kafka_handles.h"
#include "connectors/kafka/kafka_writer.h"

namespace meterstream {

class KafkaRecordSender {
 public:
  static Result<std::unique_ptr<KafkaRecordSender>> open(const std::map<std::string, std::string>& properties);
  /// What is under way is given up.
  ~KafkaRecordSender();
  KafkaRecordSender(const KafkaRecordSender&) = delete;
  KafkaRecordSender& operator=(const KafkaRecordSender&) = delete;

  [[nodiscard]] rd_kafka_t* client() const { return client_.get(); }

  /// Begins a batch: what was sent before has been looked at.
  void start();
  /// Queues the records; waits while the queue is full. `append` must stay where it is until give_offsets().
  Status send(KafkaAppend& append, const KafkaDeadline& deadline);
  /// Until every record is acknowledged or has failed.
  rd_kafka_resp_err_t wait(const KafkaDeadline& deadline);
  /// The first failure of a record since start().
  [[nodiscard]] rd_kafka_resp_err_t failure() const;
  /// Sets KafkaAppend::last of those that want it.
  void give_offsets();

 private:
  KafkaRecordSender() = default;
  rd_kafka_topic_t* topic(const std::string& name);
  std::atomic<int64_t>* place_for(KafkaAppend& append);
  Status send_record(rd_kafka_topic_t* topic, int32_t partition, const RecordView& record, void* opaque,
                     const KafkaDeadline& deadline);

  std::atomic<int32_t> failure_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  /// Where offsets are noted; late answers may still do so, therefore they live as long as the client.
  std::deque<std::atomic<int64_t>> places_;
  std::vector<std::pair<KafkaAppend*, std::atomic<int64_t>*>> wanted_;
  KafkaClient client_;
  std::map<std::string, KafkaTopicHandle, std::less<>> topics_;
};

}  // namespace meterstream
