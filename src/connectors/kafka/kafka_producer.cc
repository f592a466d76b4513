#include "connectors/kafka/kafka_producer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "connectors/kafka/kafka_consumer.h"
#include "connectors/kafka/kafka_handles.h"
#include "connectors/kafka/kafka_record_sender.h"

namespace meterstream {
namespace {

constexpr auto kRetryPause = std::chrono::milliseconds(20);
constexpr int kFirstBrokerMs = 1000;

}  // namespace

struct KafkaProducer::State {
  [[nodiscard]] rd_kafka_t* client() const { return sender->client(); }
  Error failure(rd_kafka_error_t* error, std::string_view what);
  Error abort(Error cause);
  Status send_offsets(const KafkaGroupCommit& group, const KafkaDeadline& deadline);
  Status finish(const KafkaDeadline& deadline);
  // Calls again while the library says that it helps. Gives the last error, or null.
  template <class Call>
  KafkaErrorOwner insist(const KafkaDeadline& deadline, const Call& call) {
    for (;;) {
      KafkaErrorOwner error(call(deadline.left_ms()));
      if (!error || rd_kafka_error_is_retriable(error.get()) == 0 || deadline.left_ms() == 0) return error;
      std::this_thread::sleep_for(kRetryPause);
    }
  }

  std::string id;
  int64_t timeout_ms = 0;
  std::mutex mutex;
  std::atomic<bool> is_usable = true;
  std::unique_ptr<KafkaRecordSender> sender;
};

// Ends the transaction as the error demands it.
Error KafkaProducer::State::failure(rd_kafka_error_t* error, std::string_view what) {
  const std::string place = fmt::format("{} ({})", what, id);
  rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  std::string text = rd_kafka_error_string(error);
  if (rd_kafka_error_is_fatal(error) != 0) {
    is_usable = false;
    std::array<char, 512> reason{};
    if (const auto fatal = rd_kafka_fatal_error(client(), reason.data(), reason.size());
        fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
      code = fatal;
      text = reason.data();
    }
    return kafka_error(code, place, text, "Write");
  }
  Error result = kafka_error(code, place, text, "Write");
  if (rd_kafka_error_txn_requires_abort(error) != 0) return abort(std::move(result));
  is_usable = false;
  return result;
}

Error KafkaProducer::State::abort(Error cause) {
  const KafkaDeadline deadline(timeout_ms);
  const KafkaErrorOwner error =
      insist(deadline, [&](int left_ms) { return rd_kafka_abort_transaction(client(), left_ms); });
  if (error) is_usable = false;
  return cause;
}

Status KafkaProducer::State::send_offsets(const KafkaGroupCommit& group, const KafkaDeadline& deadline) {
  const KafkaPartitionList list = offset_list(client(), group.offsets);
  // Only now: the group may have shared out its partitions anew since the commit began, and the member keeps its own.
  auto place =
      group.member
          ? group.member->group_metadata()
          : std::make_shared<const KafkaGroupMetadata>(rd_kafka_consumer_group_metadata_new(group.group.c_str()));
  if (!place) return abort(std::move(place.error()));
  const KafkaErrorOwner error = insist(deadline, [&](int left_ms) {
    return rd_kafka_send_offsets_to_transaction(client(), list.get(), (*place)->get(), left_ms);
  });
  if (error) return failure(error.get(), fmt::format("offsets of group {}", group.group));
  return {};
}

Status KafkaProducer::State::finish(const KafkaDeadline& deadline) {
  const KafkaErrorOwner error =
      insist(deadline, [&](int left_ms) { return rd_kafka_commit_transaction(client(), left_ms); });
  if (!error) return {};
  if (rd_kafka_error_is_retriable(error.get()) != 0 && rd_kafka_error_txn_requires_abort(error.get()) == 0) {
    is_usable = false;
    return unavailable(
        fmt::format("Kafka: no answer to a commit ({}) for {} ms, so that its outcome is unknown; see "
                    "that the brokers run. A new producer settles it",
                    id, timeout_ms));
  }
  return failure(error.get(), "commit");
}

KafkaProducer::KafkaProducer(std::unique_ptr<State> state) : state_(std::move(state)) {}
KafkaProducer::~KafkaProducer() = default;

bool KafkaProducer::is_usable() const {
  return state_->is_usable;
}

const std::string& KafkaProducer::transactional_id() const {
  return state_->id;
}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaSettings& settings,
                                                           std::string transactional_id) {
  if (transactional_id.empty()) return invalid("Kafka: a producer needs a transactional id");
  ASSIGN_OR_RETURN(auto properties, kafka_configuration(settings, KafkaClientKind::kProducer));
  properties["transactional.id"] = transactional_id;
  auto state = std::make_unique<State>();
  state->id = std::move(transactional_id);
  state->timeout_ms = settings.request_timeout_ms;
  ASSIGN_OR_RETURN(state->sender, KafkaRecordSender::open(properties));
  const KafkaDeadline deadline(settings.request_timeout_ms);
  // Until a connection stands the library would look for the coordinator only twice a second.
  await_broker(state->client(), nullptr, std::min(deadline.left_ms(), kFirstBrokerMs));
  const KafkaErrorOwner error = state->insist(
      deadline, [&](int left_ms) { return rd_kafka_init_transactions(state->client(), std::max(left_ms, 1)); });
  if (error)
    return kafka_error(rd_kafka_error_code(error.get()), fmt::format("start of the producer {}", state->id),
                       rd_kafka_error_string(error.get()));
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(state)));
}

Status KafkaProducer::commit(std::span<KafkaAppend> appends, std::span<const KafkaGroupCommit> groups) {
  const std::scoped_lock lock(state_->mutex);
  State& state = *state_;
  if (!state.is_usable)
    return unavailable(
        fmt::format("Kafka: the producer {} is out of use after an earlier error; make a new one", state.id));
  const KafkaDeadline deadline(state.timeout_ms);
  const KafkaErrorOwner begun(rd_kafka_begin_transaction(state.client()));
  if (begun) return state.failure(begun.get(), "begin of a transaction");
  state.sender->start();
  for (KafkaAppend& append : appends) {
    if (const Status sent = state.sender->send(append, deadline); !sent) return state.abort(sent.error());
  }
  // The records must be in the log before the group's offsets are accepted: who takes over the group then sees them
  // pending, and waits for their outcome.
  if (!groups.empty() && !appends.empty()) {
    if (const auto code = state.sender->wait(deadline); code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return state.abort(kafka_error(code, fmt::format("writing ({})", state.id), {}, "Write"));
  }
  for (const KafkaGroupCommit& group : groups) RETURN_IF_ERROR(state.send_offsets(group, deadline));
  RETURN_IF_ERROR(state.finish(deadline));
  state.sender->give_offsets();
  return {};
}

}  // namespace meterstream
