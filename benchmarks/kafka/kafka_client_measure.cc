// What the Kafka client costs: writing a topic, reading it against a bare librdkafka loop that only counts, and restoring
// a changelog. Broker addresses from METERSTREAM_TEST_KAFKA. kafka_client_measure [MILLIONS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/allocator.h"
#include "connectors/kafka/kafka_log.h"
#include "measuring.h"
#include "state/rocksdb_store.h"

namespace meterstream {
namespace {

constexpr int64_t kBatchRecords = 100'000;

template <class Work>
void measure(const char* name, const Work& work) {
  const auto began = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  const int64_t records = work();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double millions = static_cast<double>(records) * 1e-6;
  std::printf("%-34s %9.2f M records/s  %6.3f CPU s per million  (%lld records, %.1f s)\n", name, millions / seconds,
              (cpu_seconds() - cpu) / millions, static_cast<long long>(records), seconds);
  std::fflush(stdout);
}

int64_t fill(EventLog& log, const TopicPartition& target, int64_t records) {
  for (int64_t done = 0; done < records; done += kBatchRecords) {
    Transaction transaction;
    for (int64_t part = 0; part < 10; ++part) {
      RecordBatchBuilder builder;
      for (int64_t index = 0; index < kBatchRecords / 10; ++index) {
        const std::string number = std::to_string(1'000'000 + (done + part * 10'000 + index) % 5000);
        builder.add("gateway-" + number + ".ELECTRICITY.ACTIVE_POWER", std::string(70, 'v') + number, {},
                    IngestTime(0));
      }
      transaction.appends.push_back({target, std::move(builder)});
    }
    need(log.commit(std::move(transaction), Durability::kSync));
  }
  return records;
}

int64_t read_bare(const KafkaSettings& settings, const TopicPartition& source, int64_t end) {
  char reason[256];
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  auto properties = need(kafka_configuration(settings, KafkaClientKind::kConsumer));
  properties["group.id"] = "bare";
  for (const auto& [name, value] : properties)
    rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), reason, sizeof(reason));
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, reason, sizeof(reason));
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, source.topic.c_str(), source.partition.value)->offset = 0;
  rd_kafka_queue_t* queue = rd_kafka_queue_get_partition(client, source.topic.c_str(), source.partition.value);
  rd_kafka_queue_forward(queue, nullptr);
  rd_kafka_assign(client, list);
  std::vector<rd_kafka_message_t*> messages(10'000);
  int64_t count = 0;
  int64_t next = 0;
  while (next < end) {
    const ssize_t got = rd_kafka_consume_batch_queue(queue, 5, messages.data(), messages.size());
    for (ssize_t index = 0; index < got; ++index) {
      next = messages[static_cast<size_t>(index)]->offset + 2;
      ++count;
      rd_kafka_message_destroy(messages[static_cast<size_t>(index)]);
    }
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return count;
}

int64_t read_ours(const KafkaSettings& settings, const TopicPartition& source, Offset end, size_t read_bytes) {
  const auto consumer = need(KafkaConsumer::open(settings));
  RecordSet set;
  int64_t count = 0;
  for (Offset next(0); next < end; next = set.next) {
    need(consumer->read(source, next, read_bytes, 1000, set));
    count += static_cast<int64_t>(set.records.size());
  }
  return count;
}

int64_t restore(const KafkaSettings& settings, const std::string& topic, int64_t entries) {
  const auto topics = need(KafkaTopics::open(settings));
  need(KafkaChangelog::create_topic(*topics, topic, 1));
  const auto writer = need(KafkaLog::connect(settings));
  for (int64_t done = 0; done < entries; done += kBatchRecords) {
    Transaction transaction;
    RecordBatchBuilder builder;
    for (int64_t index = 0; index < kBatchRecords; ++index) {
      const std::string number = std::to_string(10'000'000 + (done + index) * 7919 % entries);
      builder.add("Sstate/task-0/" + number, std::string(24, 'v'), {}, IngestTime(0));
    }
    transaction.appends.push_back({{topic, PartitionId(0)}, std::move(builder)});
    need(writer->commit(std::move(transaction), Durability::kSync));
  }
  const auto directory = std::filesystem::temp_directory_path() / ("kafka-measure-" + topic);
  {
    const auto store = need(RocksDbStore::open(directory));
    measure("restore a changelog", [&] {
      const auto consumer = need(KafkaConsumer::open(settings));
      KafkaChangelog changelog({{topic, PartitionId(0)}}, *consumer, *topics, *store);
      return need(changelog.restore()).entries;
    });
  }
  std::filesystem::remove_all(directory);
  return entries;
}

}  // namespace
}  // namespace meterstream

int main(int argc, char** argv) {
  using namespace meterstream;
  keep_large_buffers();
  const int64_t records = (argc > 1 ? std::atoll(argv[1]) : 5) * 1'000'000;
  const char* brokers = std::getenv("METERSTREAM_TEST_KAFKA");
  if (brokers == nullptr || records <= 0) {
    std::fprintf(stderr, "usage: METERSTREAM_TEST_KAFKA=HOST:PORT kafka_client_measure [MILLIONS]\n");
    return 2;
  }
  KafkaSettings settings;
  settings.brokers = brokers;
  const std::string suffix = std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  const TopicPartition source{"measure-" + suffix, PartitionId(0)};
  const auto log = need(KafkaLog::connect(settings));
  need(log->create_topic({.name = source.topic, .partitions = 1}));
  measure("write in transactions of 100,000", [&] { return fill(*log, source, records); });
  const Offset end = need(log->offsets(source)).end;
  for (int round = 0; round < 2; ++round) {
    measure("bare librdkafka, counting only", [&] { return read_bare(settings, source, end.value); });
    measure("KafkaConsumer::read, 1 MB", [&] { return read_ours(settings, source, end, size_t{1} << 20); });
    measure("KafkaConsumer::read, 128 kB", [&] { return read_ours(settings, source, end, size_t{1} << 17); });
  }
  restore(settings, "measure-changelog-" + suffix, 2'000'000);
  need(log->kafka_topics().remove(source.topic));
  need(log->kafka_topics().remove("measure-changelog-" + suffix));
  return 0;
}
