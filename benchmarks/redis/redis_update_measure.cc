// Updates a second of the latest table against a real Redis server, beside one SET at a time and SETs sent together that
// compare nothing. An update is one gateway's time or one series' value, newer than what is there, each once in a flush.
// redis_update_measure [--json] PORT [THOUSANDS OF UPDATES], with a server of its own on loopback, which should keep nothing on
// the disk, as a cache does: deploy/local/redis start --set appendonly=no. --json: an object a line for each job.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/allocator.h"
#include "benchmarks/kafka/measuring.h"
#include "connectors/redis/redis_command.h"
#include "connectors/redis/redis_connection.h"
#include "connectors/redis/redis_latest_table.h"

namespace meterstream {
namespace {

constexpr int64_t kStartMs = 1'167'652'800'000;
constexpr size_t kGateways = 10'000;
constexpr size_t kSeriesOfGateway = 4;
constexpr const char* kAttributes[kSeriesOfGateway] = {"ACTIVE_POWER", "REACTIVE_POWER", "VOLTAGE", "INTENSITY"};

struct Load {
  int64_t updates = 0;
  std::vector<std::string> gateways;
};

double server_cpu_seconds(RedisConnection& connection) {
  const std::string text = need(connection.call(std::vector<std::string_view>{"INFO", "cpu"})).text;
  double seconds = 0;
  for (const std::string name : {"\nused_cpu_sys:", "\nused_cpu_user:"}) {
    const size_t found = text.find(name);
    if (found != std::string::npos) seconds += std::atof(text.c_str() + found + name.size());
  }
  return seconds;
}

/// What the jobs measure with and how they are told.
struct Report {
  RedisConnection& connection;
  bool is_json;
};

template <class Work>
void measure(const char* name, const Report& report, const Work& work) {
  RedisConnection& connection = report.connection;
  const double server_cpu = server_cpu_seconds(connection);
  const auto began = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  const int64_t updates = work();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double client_us = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(updates);
  const double server_us = (server_cpu_seconds(connection) - server_cpu) * 1e6 / static_cast<double>(updates);
  const double rate = static_cast<double>(updates) / seconds;
  const auto count = static_cast<long long>(updates);
  if (report.is_json) {
    std::printf(
        R"({"job": "%s", "rows": %lld, "seconds": %.3f, "rows_per_second": %.0f, "client_us": %.4f, "server_us": %.4f})"
        "\n",
        name, count, seconds, rate, client_us, server_us);
  } else {
    std::printf("%-46s %9.0f updates/s, us of CPU an update: client %6.3f, server %6.3f  (%lld updates, %.1f s)\n",
                name, rate, client_us, server_us, count, seconds);
  }
  std::fflush(stdout);
}

/// SETs, `depth` of them on their way at a time.
int64_t set_plainly(RedisConnection& connection, const Load& load, int64_t updates, size_t depth) {
  std::string command;
  for (int64_t update = 0; update < updates; ++update) {
    command.clear();
    append_redis_command(command,
                         {"SET", load.gateways[static_cast<size_t>(update) % kGateways], "2007-01-01T12:00:00Z"});
    need(connection.send(command));
    while (connection.unanswered() >= depth) need(connection.receive());
  }
  while (connection.unanswered() > 0) need(connection.receive());
  return updates;
}

/// Every round one reading of each series, each later than the one before. `flush_rounds`: how many between two flushes.
int64_t write_table(RedisLatestTable& table, const Load& load, size_t series, int64_t rounds, int64_t flush_rounds) {
  std::vector<LatestReadingView> readings;
  int64_t written = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    readings.clear();
    for (const std::string& gateway : load.gateways) {
      for (size_t index = 0; index < series; ++index)
        readings.push_back({gateway, "ELECTRICITY", kAttributes[index], kStartMs + round * 60'000,
                            230.25 + static_cast<double>(round)});
    }
    written += static_cast<int64_t>(readings.size());
    need(table.write(readings));
    if ((round + 1) % flush_rounds == 0) need(table.flush());
  }
  need(table.flush());
  return written;
}

void measure_table(const char* name, const Report& report, RedisSettings settings, LatestContent content,
                   const Load& load, size_t series, int64_t flush_rounds, bool counts_readings) {
  static const SystemClock clock;
  static int number = 0;
  settings.key_prefix = "table-" + std::to_string(++number) + ":";
  const auto table = need(RedisLatestTable::make(settings, clock, {.content = content, .on_trouble = {}}));
  // The first round makes the keys.
  write_table(*table, load, series, 1, 1);
  const int64_t before = table->counters().updates;
  const int64_t rounds = std::max<int64_t>(load.updates / static_cast<int64_t>(kGateways * series), flush_rounds);
  measure(name, report, [&] {
    const int64_t readings = write_table(*table, load, series, rounds + 1, flush_rounds);
    return counts_readings ? readings : table->counters().updates - before;
  });
}

void run(int32_t port, int64_t updates, bool is_json) {
  RedisSettings settings;
  settings.port = port;
  Load load;
  load.updates = updates;
  for (size_t index = 0; index < kGateways; ++index)
    load.gateways.push_back("gateway-" + std::to_string(1'000'000 + index));
  const auto connection = need(RedisConnection::open(settings));
  const Report report{*connection, is_json};
  set_plainly(*connection, load, kGateways, 1'000);
  measure("SET, one at a time", report,
          [&] { return set_plainly(*connection, load, std::min<int64_t>(updates, 50'000), 1); });
  measure("SET, 1000 on their way, nothing compared", report,
          [&] { return set_plainly(*connection, load, updates, 1'000); });
  measure_table("latest table, times of gateways", report, settings, LatestContent::kActivity, load, 1, 1, false);
  measure_table("latest table, values, 4 series of a gateway", report, settings, LatestContent::kValues, load, 4, 1,
                false);
  measure_table("latest table, values, 1 series of a gateway", report, settings, LatestContent::kValues, load, 1, 1,
                false);
  measure_table("latest table, times and values, 4 series", report, settings, LatestContent::kActivityAndValues, load,
                4, 1, false);
  measure_table("readings written, 4 series, each flushed", report, settings, LatestContent::kActivityAndValues, load,
                4, 1, true);
  RedisSettings forgetting = settings;
  forgetting.ttl_s = 86'400;
  measure_table("latest table, times of gateways, with ttl", report, forgetting, LatestContent::kActivity, load, 1, 1,
                false);
  measure_table("latest table, values, 4 series, with ttl", report, forgetting, LatestContent::kValues, load, 4, 1,
                false);
  measure_table("latest table, values, 1 series, with ttl", report, forgetting, LatestContent::kValues, load, 1, 1,
                false);
}

}  // namespace
}  // namespace meterstream

int main(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments + 1, arguments + count);
  const bool is_json = !words.empty() && words[0] == "--json";
  const size_t first = is_json ? 1 : 0;
  if (words.size() <= first) {
    std::fprintf(stderr, "redis_update_measure [--json] PORT [THOUSANDS OF UPDATES]\n");
    return 2;
  }
  const int64_t thousands = words.size() > first + 1 ? std::atoll(words[first + 1].data()) : 2'000;
  meterstream::run(std::atoi(words[first].data()), thousands * 1'000, is_json);
  return 0;
}
