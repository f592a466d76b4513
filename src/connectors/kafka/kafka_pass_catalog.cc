#include "connectors/kafka/kafka_pass_catalog.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "connectors/kafka/kafka_log.h"

namespace meterstream {
namespace {

constexpr int kAttempts = 20;
constexpr size_t kReadBytes = size_t{1} << 20;

Result<std::vector<RegisteredPass>> read_catalog(EventLog& log, const TopicPartition& catalog) {
  std::vector<RegisteredPass> passes;
  ASSIGN_OR_RETURN(const OffsetRange range, log.offsets(catalog));
  RecordSet records;
  for (Offset next = range.begin; next < range.end; next = records.next) {
    RETURN_IF_ERROR(log.read(catalog, next, kReadBytes, records));
    for (const RecordView& record : records.records) {
      if (record.is_tombstone()) {
        std::erase_if(passes, [&](const RegisteredPass& pass) { return pass.name == record.key; });
        continue;
      }
      ASSIGN_OR_RETURN(RegisteredPass pass, decode_registered_pass(record.key, record.value));
      passes.push_back(std::move(pass));
    }
    if (records.next == next) break;
  }
  return passes;
}

Status write_new(EventLog& log, const TopicPartition& catalog, const std::vector<PlannedPass>& planned) {
  RecordBatchBuilder records;
  for (const PlannedPass& pass : planned) {
    if (pass.is_new) records.add(pass.entry.name, encode_registered_pass(pass.entry), {}, IngestTime(0));
  }
  if (records.empty()) return {};
  Transaction transaction;
  transaction.appends.push_back({catalog, std::move(records)});
  return log.commit(std::move(transaction), Durability::kSync);
}

}  // namespace

Result<std::vector<PlannedPass>> register_passes(const std::vector<ViewSpec>& views, std::string_view application,
                                                 const KafkaSettings& settings,
                                                 const std::shared_ptr<KafkaTopics>& topics) {
  const TopicPartition catalog{fmt::format("{}-passes", topic_name_part(application)), PartitionId(0)};
  RETURN_IF_ERROR(topics->create({.name = catalog.topic, .partitions = 1}, {.is_compacted = true}));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // From here on a writer that began earlier is fenced, so nothing can come between reading and writing.
    ASSIGN_OR_RETURN(std::shared_ptr<KafkaProducer> producer, KafkaProducer::open(settings, catalog.topic));
    ASSIGN_OR_RETURN(std::shared_ptr<KafkaConsumer> consumer, KafkaConsumer::open(settings));
    KafkaLog log({topics, consumer, producer, nullptr}, {.settings = settings});
    ASSIGN_OR_RETURN(const auto registered, read_catalog(log, catalog));
    ASSIGN_OR_RETURN(auto planned, plan_passes(views, registered));
    const Status written = write_new(log, catalog, planned);
    if (written) return planned;
    if (written.error().code != ErrorCode::kConflict) return written.error();
    // Another process registers its passes just now; let it finish.
    std::this_thread::sleep_for(std::chrono::milliseconds(50 * (attempt + 1)));
  }
  return unavailable(fmt::format("topic {}: other processes kept writing it; start this one again", catalog.topic));
}

}  // namespace meterstream
