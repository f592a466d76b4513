#include "connectors/kafka/kafka_settings.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace meterstream {
namespace {

// What the guarantees of the log rest on.
constexpr std::pair<std::string_view, std::string_view> kReserved[] = {
    {"acks", "a commit must survive the loss of a broker"},
    {"auto.offset.reset", "a position that the log does not hold must be an error"},
    {"bootstrap.servers", "give the brokers with --kafka or [kafka] brokers"},
    {"enable.auto.commit", "positions are committed with the results"},
    {"enable.idempotence", "a record must not be written twice"},
    {"enable.partition.eof", "reading to the end needs it"},
    {"group.id", "it follows from the application id"},
    {"group.instance.id", "it has a setting of its own"},
    {"isolation.level", "only committed records may be read"},
    {"metadata.broker.list", "give the brokers with --kafka or [kafka] brokers"},
    {"partition.assignment.strategy", "tasks move with the cooperative protocol"},
    {"transactional.id", "it follows from the application id"},
};

}  // namespace

Result<std::map<std::string, std::string>> kafka_configuration(const KafkaSettings& settings, KafkaClientKind kind) {
  if (settings.brokers.empty()) return invalid("Kafka: no broker is named; give host:port, several with commas");
  if (settings.request_timeout_ms <= 0 || settings.transaction_timeout_ms <= 0)
    return invalid("Kafka: timeouts must be above 0 ms");
  std::map<std::string, std::string> properties = {
      {"bootstrap.servers", settings.brokers},
      {"client.id", settings.client_id},
      {"allow.auto.create.topics", "false"},
      {"log.connection.close", "false"},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      {"topic.metadata.refresh.interval.ms", "30000"},
  };
  switch (kind) {
    case KafkaClientKind::kConsumer:
      properties.insert({
          {"auto.offset.reset", "error"},
          {"check.crcs", "true"},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "true"},
          {"isolation.level", "read_committed"},
          {"fetch.wait.max.ms", "100"},
          {"fetch.error.backoff.ms", "50"},
          {"fetch.queue.backoff.ms", "20"},
          {"fetch.message.max.bytes", std::to_string(std::max<int64_t>(settings.fetch_ahead_bytes / 4, 65536))},
          {"queued.max.messages.kbytes", std::to_string(std::max<int64_t>(settings.fetch_ahead_bytes / 1024, 64))},
          {"queued.min.messages", "20000"},
          {"record.sets", "true"},
      });
      break;
    case KafkaClientKind::kProducer:
      properties.insert({
          {"enable.idempotence", "true"},
          {"compression.type", settings.compression},
          {"linger.ms", std::to_string(settings.linger_ms)},
          {"message.max.bytes", "10485760"},
          {"queue.buffering.max.messages", "500000"},
          {"transaction.timeout.ms", std::to_string(settings.transaction_timeout_ms)},
          {"message.timeout.ms", std::to_string(settings.transaction_timeout_ms)},
      });
      break;
    case KafkaClientKind::kTopics:
      // A consumer with a group that nobody joins: another client of the library crashes when it asks for the offsets of a
      // group whose coordinator moves.
      properties.insert({"group.id", "meterstream-without-group"});
      // A broker that ends a connection at once may want TLS or a login; see kafka_refusal.h.
      properties["log.connection.close"] = "true";
      break;
  }
  for (const auto& [name, value] : settings.librdkafka) {
    for (const auto& [reserved, reason] : kReserved) {
      if (name == reserved) return invalid(fmt::format("Kafka: the setting {} is not free: {}", name, reason));
    }
    properties[name] = value;
  }
  return properties;
}

}  // namespace meterstream
