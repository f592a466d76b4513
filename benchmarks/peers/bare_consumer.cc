// Purpose: the fastest consumer that librdkafka allows, as a limit to compare with, and a reader of results.
//   bare_consumer count BROKERS TOPIC     reads the topic once, counts, prints one line of JSON
//   bare_consumer results BROKERS TOPIC   prints each committed record as key, tab, value, newline
// Both read all partitions from their beginning to their end, check the checksums and leave no group behind.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace {

[[noreturn]] void fail(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "bare_consumer: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(why.size()), why.data());
  std::exit(1);
}

void check(rd_kafka_resp_err_t code, std::string_view what) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) fail(what, rd_kafka_err2str(code));
}

struct Destroy {
  void operator()(rd_kafka_t* client) const {
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
  }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
using Client = std::unique_ptr<rd_kafka_t, Destroy>;
using Queue = std::unique_ptr<rd_kafka_queue_t, Destroy>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy>;

struct Total {
  int64_t records = 0;
  int64_t bytes = 0;
};

Client make_client(const std::string& brokers) {
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  const std::array<std::array<std::string, 2>, 9> values = {{{"bootstrap.servers", brokers},
                                                             {"group.id", "bare-consumer"},
                                                             {"enable.auto.commit", "false"},
                                                             {"enable.partition.eof", "true"},
                                                             {"isolation.level", "read_committed"},
                                                             {"check.crcs", "true"},
                                                             {"queued.min.messages", "1000000"},
                                                             {"queued.max.messages.kbytes", "262144"},
                                                             {"fetch.message.max.bytes", "4194304"}}};
  std::array<char, 512> error{};
  for (const auto& [name, value] : values) {
    if (rd_kafka_conf_set(settings, name.c_str(), value.c_str(), error.data(), error.size()) != RD_KAFKA_CONF_OK) {
      fail(name, error.data());
    }
  }
  Client client(rd_kafka_new(RD_KAFKA_CONSUMER, settings, error.data(), error.size()));
  if (!client) fail("cannot make a consumer", error.data());
  check(rd_kafka_poll_set_consumer(client.get()), "cannot poll");
  return client;
}

/// All partitions of the topic, from their beginning.
PartitionList partitions_of(rd_kafka_t* client, const char* name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, name, nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  check(rd_kafka_metadata(client, 0, topic, &metadata, 10'000), "no broker answers");
  check(metadata->topics[0].err, name);
  PartitionList list(rd_kafka_topic_partition_list_new(metadata->topics[0].partition_cnt));
  for (int32_t i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    rd_kafka_topic_partition_list_add(list.get(), name, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
  return list;
}

void print_record(const rd_kafka_message_t& message) {
  std::fwrite(message.key, 1, message.key_len, stdout);
  std::fputc('\t', stdout);
  std::fwrite(message.payload, 1, message.len, stdout);
  std::fputc('\n', stdout);
}

Total read_all(const std::string& brokers, const char* topic, bool print) {
  const Client client = make_client(brokers);
  const PartitionList partitions = partitions_of(client.get(), topic);
  check(rd_kafka_assign(client.get(), partitions.get()), "cannot assign the partitions");
  const Queue queue(rd_kafka_queue_get_consumer(client.get()));
  std::vector<rd_kafka_message_t*> batch(10'000);
  Total total;
  int open_partitions = partitions->cnt;
  while (open_partitions > 0) {
    const ssize_t count = rd_kafka_consume_batch_queue(queue.get(), 100, batch.data(), batch.size());
    if (count < 0) fail("cannot read", rd_kafka_err2str(rd_kafka_last_error()));
    for (rd_kafka_message_t* message : std::span(batch).first(static_cast<size_t>(count))) {
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        --open_partitions;
      } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail("cannot read", rd_kafka_message_errstr(message));
      } else {
        ++total.records;
        total.bytes += static_cast<int64_t>(message->key_len + message->len);
        if (print) print_record(*message);
      }
      rd_kafka_message_destroy(message);
    }
  }
  return total;
}

}  // namespace

int main(int argument_count, char** argument_values) {
  const std::vector<std::string> arguments(argument_values, argument_values + argument_count);
  if (arguments.size() != 4 || (arguments[1] != "count" && arguments[1] != "results")) {
    fail("usage", "bare_consumer count|results BROKERS TOPIC");
  }
  const bool print = arguments[1] == "results";
  const auto began = std::chrono::steady_clock::now();
  const Total total = read_all(arguments[2], arguments[3].c_str(), print);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  if (!print) {
    std::printf("{\"readings\":%lld,\"bytes\":%lld,\"seconds\":%.3f}\n", static_cast<long long>(total.records),
                static_cast<long long>(total.bytes), seconds.count());
  }
  return 0;
}
