// Purpose: owners of librdkafka's objects and the translation of its errors; inside this folder only.
// Thread-safety: as librdkafka's own objects.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>

#include "base/result.h"
#include "connectors/kafka/kafka_settings.h"
#include "connectors/kafka/kafka_writer.h"

namespace meterstream {

class KafkaRefusals;

template <auto destroy>
struct KafkaDeleter {
  template <class Handle>
  void operator()(Handle* handle) const {
    destroy(handle);
  }
};
template <class Handle, auto destroy>
using KafkaOwner = std::unique_ptr<Handle, KafkaDeleter<destroy>>;

/// Ends the client, within kClientEndMs: one that does not end is left behind with its threads, and a warning says so.
void end_client(rd_kafka_t* client);
inline constexpr int64_t kClientEndMs = 30'000;

using KafkaClient = KafkaOwner<rd_kafka_t, end_client>;
using KafkaQueue = KafkaOwner<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using KafkaTopicHandle = KafkaOwner<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using KafkaConfiguration = KafkaOwner<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using KafkaPartitionList = KafkaOwner<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using KafkaErrorOwner = KafkaOwner<rd_kafka_error_t, rd_kafka_error_destroy>;
using KafkaEvent = KafkaOwner<rd_kafka_event_t, rd_kafka_event_destroy>;

/// What the caller can do about an error of librdkafka or a broker.
ErrorCode error_code_of(rd_kafka_resp_err_t code);
/// True while the leader of a partition or the coordinator of a group changes: the same request succeeds soon.
bool is_moving(rd_kafka_resp_err_t code);
/// "`what`: reason; what to do next". `right`: of the topic that `what` is about, and that the user may lack, as Read.
Error kafka_error(rd_kafka_resp_err_t code, std::string_view what, std::string_view reason = {},
                  std::string_view right = {});

/// The time that is left of a request's.
class KafkaDeadline {
 public:
  explicit KafkaDeadline(int64_t timeout_ms)
      : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}
  [[nodiscard]] int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<int64_t>(left.count(), 0));
  }
  [[nodiscard]] bool is_over() const { return left_ms() == 0; }

 private:
  std::chrono::steady_clock::time_point end_;
};

/// Properties as a configuration object, with librdkafka's messages going to our diagnostics.
Result<KafkaConfiguration> make_configuration(const std::map<std::string, std::string>& properties);
/// Failures of connections go there, too; it must outlive the client. Takes the place of the client's opaque pointer.
void watch_refusals(rd_kafka_conf_t& configuration, KafkaRefusals& refusals);
Result<KafkaClient> make_client(rd_kafka_type_t type, KafkaConfiguration configuration);

/// Offsets of a group as the library takes them.
KafkaPartitionList offset_list(rd_kafka_t* client, std::span<const KafkaGroupOffset> offsets);

/// The member's place in its group.
class KafkaGroupMetadata {
 public:
  explicit KafkaGroupMetadata(rd_kafka_consumer_group_metadata_t* metadata) : metadata_(metadata) {}
  [[nodiscard]] const rd_kafka_consumer_group_metadata_t* get() const { return metadata_.get(); }

 private:
  KafkaOwner<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy> metadata_;
};

/// Makes the client connect now, and learn who leads the topic's partitions (null: none in particular). By itself it does
/// so only when it looks the next time, once a second. Gives up after `within_ms`: then it goes on looking by itself. The
/// library may miss what it waits for, so it is asked in slices.
void await_broker(rd_kafka_t* client, rd_kafka_topic_t* topic, int within_ms);

}  // namespace meterstream
