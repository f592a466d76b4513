// Rows a second and CPU time of this process for a row, of Meterstream's table in Cassandra:
//   cassandra_write_measure single|table HOSTS ROWS [IN_FLIGHT] [BATCH_ROWS] [PENDING_ROWS]
// single: one insert after the other through the same driver. table: as a sink writes, with a flush every 50,000 rows.
// The rows are those of 100 series, minute after minute; the Java peer writes the same.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks/kafka/measuring.h"
#include "connectors/cassandra/cassandra_aggregate_store.h"

namespace {

using namespace meterstream;

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kBegin = 1'167'609'600'000;  // 2007-01-01T00:00:00Z
constexpr int64_t kSeries = 100;
constexpr int64_t kFlushRows = 50'000;
constexpr int64_t kReadRows = 5'000;  // about what one read of a topic gives

AggregateEntry entry_of(int64_t number) {
  AggregateEntry entry;
  entry.series = {"household-" + std::to_string(number % kSeries), "ELECTRICITY", "ACTIVE_POWER"};
  entry.row.window_start_ms = kBegin + number / kSeries * kMinuteMs;
  entry.row.window_end_ms = entry.row.window_start_ms + kMinuteMs;
  entry.row.sample_count = 60;
  entry.row.min = static_cast<double>(number % 1'000) / 8;
  entry.row.max = entry.row.min + 1;
  entry.row.sum_units = static_cast<__int128>(number) * 1'000'000'000;
  entry.row.average_units = entry.row.sum_units / 60;
  entry.revision = 60;
  return entry;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr,
                 "usage: cassandra_write_measure single|table HOSTS ROWS [IN_FLIGHT] [BATCH_ROWS] [PENDING_ROWS]\n");
    return 2;
  }
  const bool is_single = std::string(arguments[1]) == "single";
  const int64_t rows = std::stoll(arguments[3]);
  CassandraSettings settings;
  settings.hosts = arguments[2];
  settings.keyspace = "measured";
  if (count > 4) settings.in_flight = std::stoi(arguments[4]);
  if (count > 5) settings.batch_rows = std::stoi(arguments[5]);
  if (count > 6) settings.pending_rows = std::stoi(arguments[6]);
  if (is_single) settings.in_flight = settings.batch_rows = settings.pending_rows = 1;
  CassandraAggregateStore store(settings);
  const auto table = need(store.create({"minutes_of_meterstream", kMinuteMs, AggregateBucket::kDays}));
  need(table->flush());

  std::vector<AggregateEntry> entries;
  const auto began = std::chrono::steady_clock::now();
  double cpu = 0;
  for (int64_t number = 0; number < rows;) {
    entries.clear();
    for (int64_t row = 0; row < kReadRows && number < rows; ++row) entries.push_back(entry_of(number++));
    const double cpu_before = cpu_seconds();
    need(table->write(entries));
    if (number % kFlushRows == 0 || number >= rows) need(table->flush());
    cpu += cpu_seconds() - cpu_before;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%.0f rows/s, %.2f us of CPU a row\n", static_cast<double>(rows) / seconds,
              cpu * 1e6 / static_cast<double>(rows));
  return 0;
}
