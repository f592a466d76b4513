// Purpose: how long after its window may close a result can be read.
//   delay_measure BROKERS TOPIC RESULTS READINGS_PER_SECOND SECONDS [SERIES]
// Writes readings (Avro, schema id 1) whose time is now, and reads the results of windows without grace meanwhile, as a
// reader of committed records. A window may close when the first reading after it is in each partition, acknowledged.
// Prints one line of JSON; a fifth of the time, from the first result on, does not count. Both topics exist.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace {

constexpr int kPartitions = 4;

[[noreturn]] void fail(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "delay_measure: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(why.size()), why.data());
  std::exit(1);
}

struct Destroy {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
};
using Client = std::unique_ptr<rd_kafka_t, Destroy>;

using OnDelivery = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

Client make_client(rd_kafka_type_t type, const std::vector<std::pair<std::string, std::string>>& settings,
                   OnDelivery on_delivery = nullptr, void* opaque = nullptr) {
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  rd_kafka_conf_set_opaque(configuration, opaque);
  if (on_delivery != nullptr) rd_kafka_conf_set_dr_msg_cb(configuration, on_delivery);
  std::array<char, 512> error{};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), error.data(), error.size()) != RD_KAFKA_CONF_OK)
      fail(name, error.data());
  }
  Client client(rd_kafka_new(type, configuration, error.data(), error.size()));
  if (!client) fail("cannot make a client", error.data());
  return client;
}

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string time_text(int64_t time_ms) {
  const std::time_t seconds = time_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(time_ms % 1000));
  return text.data();
}

// The time after `name` in a JSON text; 0 when it is not there.
int64_t time_in(std::string_view json, std::string_view name) {
  const size_t at = json.find(name);
  if (at == std::string_view::npos) return 0;
  std::tm parts{};
  if (strptime(std::string(json.substr(at + name.size(), 19)).c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr)
    return 0;
  return int64_t{timegm(&parts)} * 1000;
}

void append_text(std::string& out, std::string_view text) {
  out.push_back(static_cast<char>(text.size() << 1));
  out += text;
}

// When the first reading of each second was in its partition, as its broker has said.
class Closings {
 public:
  /// Whether this reading is the first of its second.
  bool is_first(int partition, int64_t time_ms) {
    int64_t& second = last_[static_cast<size_t>(partition)];
    return std::exchange(second, time_ms / 1000) != time_ms / 1000;
  }
  void note(int64_t second) {
    const std::scoped_lock lock(mutex_);
    at_[second * 1000] = now_ms();
  }
  /// 0: not yet.
  int64_t of(int64_t window_end_ms) {
    const std::scoped_lock lock(mutex_);
    const auto found = at_.find(window_end_ms);
    return found == at_.end() ? 0 : found->second;
  }
  static void on_delivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail("cannot write", rd_kafka_err2str(message->err));
    const auto second = reinterpret_cast<intptr_t>(message->_private);
    if (second != 0) static_cast<Closings*>(opaque)->note(second);
  }

 private:
  std::array<int64_t, kPartitions> last_{};
  std::mutex mutex_;
  std::map<int64_t, int64_t> at_;
};

int64_t write_readings(const std::string& brokers, const std::string& topic, int64_t rate, int64_t seconds,
                       int64_t series, Closings& closings) {
  const Client client =
      make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}, {"linger.ms", "2"}, {"compression.type", "lz4"}},
                  &Closings::on_delivery, &closings);
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client.get(), topic.c_str(), nullptr);
  const auto began = std::chrono::steady_clock::now();
  int64_t written = 0;
  for (;;) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
    if (passed.count() >= static_cast<double>(seconds)) break;
    const auto due = static_cast<int64_t>(passed.count() * static_cast<double>(rate));
    const int64_t time_ms = now_ms();
    const std::string time = time_text(time_ms);
    for (; written < due; ++written) {
      const int64_t number = written % series;
      const std::string gateway = "household-" + std::to_string(number);
      std::string value("\0\0\0\0\1", 5);
      for (const std::string_view text : {std::string_view(gateway), std::string_view("ELECTRICITY"),
                                          std::string_view("ACTIVE_POWER"), std::string_view(time)})
        append_text(value, text);
      const double amount = 1.5;
      value.append(reinterpret_cast<const char*>(&amount), sizeof(amount));
      const std::string key = gateway + ".ELECTRICITY.ACTIVE_POWER";
      const auto partition = static_cast<int>(number % kPartitions);
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the library carries a number.
      void* second = closings.is_first(partition, time_ms) ? reinterpret_cast<void*>(time_ms / 1000) : nullptr;
      while (rd_kafka_produce(handle, partition, RD_KAFKA_MSG_F_COPY, value.data(), value.size(), key.data(),
                              key.size(), second) != 0)
        rd_kafka_poll(client.get(), 1);
    }
    rd_kafka_poll(client.get(), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  rd_kafka_flush(client.get(), 10'000);
  rd_kafka_topic_destroy(handle);
  return written;
}

void read_results(const std::string& brokers, const std::string& topic, const std::atomic<bool>& stop,
                  int64_t skipped_ms, Closings& closings, std::vector<int64_t>& delays_ms) {
  const Client client = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                        {"group.id", "delay-measure"},
                                                        {"enable.auto.commit", "false"},
                                                        {"isolation.level", "read_committed"},
                                                        {"fetch.wait.max.ms", "10"}});
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(kPartitions);
  for (int partition = 0; partition < kPartitions; ++partition)
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = RD_KAFKA_OFFSET_END;
  rd_kafka_assign(client.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  int64_t from_ms = 0;
  while (!stop) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 50);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::string_view value(static_cast<const char*>(message->payload), message->len);
      const int64_t end_ms = time_in(value, "\"windowEnd\":\"");
      const int64_t closed_ms = closings.of(end_ms);
      if (from_ms == 0) from_ms = now_ms() + skipped_ms;
      if (end_ms >= from_ms && closed_ms > 0) delays_ms.push_back(now_ms() - closed_ms);
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(client.get());
}

}  // namespace

int main(int argument_count, char** argument_values) {
  const std::vector<std::string> arguments(argument_values, argument_values + argument_count);
  if (arguments.size() < 6) fail("usage", "delay_measure BROKERS TOPIC RESULTS READINGS_PER_SECOND SECONDS [SERIES]");
  const int64_t seconds = std::atoll(arguments[5].c_str());
  const int64_t series = arguments.size() > 6 ? std::atoll(arguments[6].c_str()) : 5'000;
  Closings closings;
  std::vector<int64_t> delays_ms;
  std::atomic<bool> stop = false;
  std::thread reader([&] { read_results(arguments[1], arguments[3], stop, seconds * 200, closings, delays_ms); });
  const int64_t written =
      write_readings(arguments[1], arguments[2], std::atoll(arguments[4].c_str()), seconds, series, closings);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  stop = true;
  reader.join();
  std::ranges::sort(delays_ms);
  const auto share = [&](double part) {
    return delays_ms.empty() ? 0
                             : static_cast<long long>(
                                   delays_ms[static_cast<size_t>(part * static_cast<double>(delays_ms.size() - 1))]);
  };
  std::printf("{\"readings\":%lld,\"results\":%zu,\"p50Ms\":%lld,\"p99Ms\":%lld,\"maxMs\":%lld}\n",
              static_cast<long long>(written), delays_ms.size(), share(0.5), share(0.99), share(1));
  return delays_ms.empty() ? 1 : 0;
}
