// Purpose: how to reach a Kafka cluster, and the librdkafka configuration that follows from it for each kind of client.
// Units: milliseconds.
// Thread-safety: values and pure functions.
// Errors: kInvalid for a setting that would break a guarantee of the log; the message names it and the reason.
// Source: CONFIGURATION.md of librdkafka 2.12.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace meterstream {

struct KafkaSettings {
  /// "host:port,host:port"; one that answers is enough.
  std::string brokers;
  std::string client_id = "meterstream";
  /// How long a request, a read or a start may wait for the cluster before it is kUnavailable.
  int64_t request_timeout_ms = 30'000;
  /// A transaction of a dead process holds readers back for at most this long (and the broker's next look).
  int64_t transaction_timeout_ms = 10'000;
  /// Copies of the topics that are made; 0: three, or as many as there are brokers.
  int32_t replication = 0;
  /// lz4, zstd, gzip, snappy or none.
  std::string compression = "lz4";
  /// How long the producer waits for more records before it sends a batch.
  int64_t linger_ms = 5;
  /// Memory for records fetched ahead, for each partition that is read.
  int64_t fetch_ahead_bytes = int64_t{8} << 20;
  /// Passed to librdkafka as they are: TLS, SASL, sizes. They win over what is set here.
  std::map<std::string, std::string> librdkafka;
};

enum class KafkaClientKind : uint8_t { kConsumer, kProducer, kTopics };

/// librdkafka's properties of a client, without those of a group or a transaction.
Result<std::map<std::string, std::string>> kafka_configuration(const KafkaSettings& settings, KafkaClientKind kind);

}  // namespace meterstream
