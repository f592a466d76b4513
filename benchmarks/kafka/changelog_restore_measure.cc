// How fast a changelog is rebuilt into an empty store: CPU and wall time for an entry.
//   changelog_restore_measure fill TOPIC MILLIONS [BYTES]   makes a changelog of one partition with so many entries; a value
//                                                           has 24 bytes, or so many (a block of 16 windows: about 400)
//   changelog_restore_measure restore TOPIC                 rebuilds each partition of a changelog that is there, twice
// Broker addresses from METERSTREAM_TEST_KAFKA; stores in TMPDIR.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/resource.h>

#include "base/allocator.h"
#include "connectors/kafka/kafka_log.h"
#include "measuring.h"
#include "state/rocksdb_store.h"

namespace meterstream {
namespace {

constexpr int64_t kBatchBytes = 6'000'000;

// Each key once, in an order that is not theirs.
void fill(const KafkaSettings& settings, const std::string& topic, int64_t entries, size_t value_bytes) {
  const auto topics = need(KafkaTopics::open(settings));
  need(KafkaChangelog::create_topic(*topics, topic, 1));
  const auto writer = need(KafkaLog::connect(settings));
  const int64_t batch_records = kBatchBytes / static_cast<int64_t>(value_bytes + 40);
  std::string value(value_bytes, '\0');
  for (int64_t done = 0; done < entries; done += batch_records) {
    Transaction transaction;
    RecordBatchBuilder builder;
    for (int64_t index = 0; index < std::min(batch_records, entries - done); ++index) {
      const std::string number = std::to_string(10'000'000 + (done + index) * 7919 % entries);
      // Little of it compresses.
      for (size_t at = 0; at < value_bytes; ++at) value[at] = static_cast<char>((done + index) * 31 >> (at % 16));
      builder.add("Sstate/task-0/" + number, value, {}, IngestTime(0));
    }
    transaction.appends.push_back({{topic, PartitionId(0)}, std::move(builder)});
    need(writer->commit(std::move(transaction), Durability::kSync));
  }
}

void restore(const KafkaSettings& settings, const TopicPartition& partition) {
  const auto topics = need(KafkaTopics::open(settings));
  const auto directory =
      std::filesystem::temp_directory_path() / ("changelog-restore-" + std::to_string(partition.partition.value));
  std::filesystem::remove_all(directory);
  {
    const auto store = need(RocksDbStore::open(directory));
    const auto consumer = need(KafkaConsumer::open(settings));
    const auto began = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    KafkaChangelog changelog({partition}, *consumer, *topics, *store);
    const int64_t entries = need(changelog.restore()).entries;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const double millions = static_cast<double>(entries) * 1e-6;
    const double used = cpu_seconds() - cpu;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "%s partition %d: %.3f M entries, %.2f s, %.2f M entries/s, %.3f CPU s per million, store %.0f MB, "
        "peak memory %.0f MB\n",
        partition.topic.c_str(), partition.partition.value, millions, seconds, millions / seconds, used / millions,
        static_cast<double>(store->disk_bytes()) / 1e6, static_cast<double>(usage.ru_maxrss) / 1e3);
    std::fflush(stdout);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace meterstream

int main(int argc, char** argv) {
  using namespace meterstream;
  keep_large_buffers();
  const std::string_view command = argc > 2 ? argv[1] : "";
  const char* brokers = std::getenv("METERSTREAM_TEST_KAFKA");
  const int64_t entries = argc > 3 ? std::atoll(argv[3]) * 1'000'000 : 0;
  if (brokers == nullptr || (command != "restore" && (command != "fill" || entries <= 0))) {
    std::fprintf(stderr,
                 "usage: METERSTREAM_TEST_KAFKA=HOST:PORT changelog_restore_measure fill TOPIC MILLIONS [BYTES] "
                 "| restore TOPIC\n");
    return 2;
  }
  KafkaSettings settings;
  settings.brokers = brokers;
  const std::string topic = argv[2];
  if (command == "fill") {
    fill(settings, topic, entries, argc > 4 ? static_cast<size_t>(std::atoll(argv[4])) : 24);
    return 0;
  }
  const auto log = need(KafkaLog::connect(settings));
  const int32_t partitions = need(log->describe_topic(topic)).config.partitions;
  for (int round = 0; round < 2; ++round) {
    for (int32_t partition = 0; partition < partitions; ++partition) restore(settings, {topic, PartitionId(partition)});
  }
  return 0;
}
