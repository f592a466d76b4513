// Purpose: owners of librdkafka's objects and the translation of its errors; inside this folder only.
// Thread-safety: as librdkafka's own objects.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <librdkafka/rdkafka.h>

#include "base/result.h"
#include "connectors/kafka/kafka_settings.h"

namespace meterstream {

template <auto destroy>
struct KafkaDeleter {
  template <class Handle>
  void operator()(Handle* handle) const {
    destroy(handle);
  }
};
template <class Handle, auto destroy>
using KafkaOwner = std::unique_ptr<Handle, KafkaDeleter<destroy>>;

using KafkaClient = KafkaOwner<rd_kafka_t, rd_kafka_destroy>;
using KafkaQueue = KafkaOwner<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using KafkaTopicHandle = KafkaOwner<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using KafkaConfiguration = KafkaOwner<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using KafkaPartitionList = KafkaOwner<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using KafkaErrorOwner = KafkaOwner<rd_kafka_error_t, rd_kafka_error_destroy>;
using KafkaEvent = KafkaOwner<rd_kafka_event_t, rd_kafka_event_destroy>;

/// What the caller can do about an error of librdkafka or a broker.
ErrorCode error_code_of(rd_kafka_resp_err_t code);
/// "`what`: reason; what to do next".
Error kafka_error(rd_kafka_resp_err_t code, std::string_view what, std::string_view reason = {});

/// Properties as a configuration object, with librdkafka's messages going to our diagnostics.
Result<KafkaConfiguration> make_configuration(const std::map<std::string, std::string>& properties);
Result<KafkaClient> make_client(rd_kafka_type_t type, KafkaConfiguration configuration);

/// The member's place in its group.
class KafkaGroupMetadata {
 public:
  explicit KafkaGroupMetadata(rd_kafka_consumer_group_metadata_t* metadata) : metadata_(metadata) {}
  [[nodiscard]] const rd_kafka_consumer_group_metadata_t* get() const { return metadata_.get(); }

 private:
  KafkaOwner<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy> metadata_;
};

}  // namespace meterstream
