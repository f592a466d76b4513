#include "connectors/kafka/kafka_plain_producer.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "connectors/kafka/kafka_consumer.h"
#include "connectors/kafka/kafka_record_sender.h"

namespace meterstream {

struct KafkaPlainProducer::State {
  Status wait(const KafkaDeadline& deadline) const;
  Status write(std::span<KafkaAppend> appends, const KafkaDeadline& deadline) const;

  int64_t timeout_ms = 0;
  std::mutex mutex;
  std::atomic<bool> is_usable = true;
  std::unique_ptr<KafkaRecordSender> sender;
};

Status KafkaPlainProducer::State::wait(const KafkaDeadline& deadline) const {
  const rd_kafka_resp_err_t waited = sender->wait(deadline);
  if (const auto failed = sender->failure(); failed != RD_KAFKA_RESP_ERR_NO_ERROR)
    return kafka_error(failed, "writing records", {}, "Write");
  if (waited != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(waited, "writing records", {}, "Write");
  return {};
}

Status KafkaPlainProducer::State::write(std::span<KafkaAppend> appends, const KafkaDeadline& deadline) const {
  bool others_wait = false;
  for (KafkaAppend& append : appends) {
    if (append.follows_others && std::exchange(others_wait, false)) RETURN_IF_ERROR(wait(deadline));
    RETURN_IF_ERROR(sender->send(append, deadline));
    others_wait = others_wait || !append.follows_others;
  }
  return appends.empty() ? Status() : wait(deadline);
}

KafkaPlainProducer::KafkaPlainProducer(std::unique_ptr<State> state) : state_(std::move(state)) {}
KafkaPlainProducer::~KafkaPlainProducer() = default;

Result<std::unique_ptr<KafkaPlainProducer>> KafkaPlainProducer::open(const KafkaSettings& settings) {
  ASSIGN_OR_RETURN(const auto properties, kafka_configuration(settings, KafkaClientKind::kProducer));
  auto state = std::make_unique<State>();
  state->timeout_ms = settings.request_timeout_ms;
  ASSIGN_OR_RETURN(state->sender, KafkaRecordSender::open(properties));
  return std::unique_ptr<KafkaPlainProducer>(new KafkaPlainProducer(std::move(state)));
}

bool KafkaPlainProducer::is_usable() const {
  return state_->is_usable;
}

Status KafkaPlainProducer::commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->is_usable) return unavailable("Kafka: a producer is out of use after an earlier error; make a new one");
  for (const KafkaGroupCommit& group : groups) {
    if (group.member == nullptr) return invalid("Kafka: offsets without a transaction need a member of their group");
  }
  const KafkaDeadline deadline(state_->timeout_ms);
  state_->sender->start();
  if (Status written = state_->write(appends, deadline); !written) {
    // Some records may be there, and others still come.
    state_->is_usable = false;
    return written;
  }
  state_->sender->give_offsets();
  for (const KafkaGroupCommit& group : groups) RETURN_IF_ERROR(group.member->commit(group.offsets, deadline.left_ms()));
  return {};
}

}  // namespace meterstream
