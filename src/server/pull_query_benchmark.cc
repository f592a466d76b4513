// Pull queries by key while the table changes: time of one, and the time that one of a hundred exceeds.
#include <algorithm>
#include <atomic>
#include <thread>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/check.h"
#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "server/embedded_query_runtime.h"
#include "server/statement_engine.h"
#include "state/memory_store.h"

namespace meterstream {
namespace {

constexpr int kKeys = 20'000;

void by_key_while_rows_change(benchmark::State& state) {
  MemoryStore store;
  const SystemClock clock;
  const auto log = EmbeddedLog::open(store, clock).value();
  LogSchemaStore schemas(store);
  EmbeddedQueryRuntime runtime(Runtime{*log, store, schemas, clock, nullptr}, {});
  const auto engine = StatementEngine::open({*log, *log, schemas, clock, runtime}, {}).value();
  std::vector<StatementResult> results;
  CHECK(engine->execute("CREATE TABLE t (id VARCHAR PRIMARY KEY, a DOUBLE, b VARCHAR);", {}, results));
  std::vector<std::map<std::string, QueryValue>> rows;
  for (int64_t key = 0; key < kKeys; ++key)
    rows.push_back({{"id", fmt::format("household-{}", key)}, {"a", key}, {"b", std::string("text")}});
  CHECK(engine->insert("t", rows));
  std::atomic<bool> stop = false;
  std::thread writing([&] {
    while (!stop) {
      const std::vector<std::map<std::string, QueryValue>> some(rows.begin(), rows.begin() + 2000);
      CHECK(engine->insert("t", some));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  std::vector<double> times_ms;
  int64_t key = 0;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    const auto found =
        engine->query(fmt::format("SELECT * FROM t WHERE id = 'household-{}';", key++ * 7919 % kKeys), {});
    std::vector<QueryRow> got;
    CHECK((*found)->next(got, 10, std::chrono::milliseconds(0)));
    CHECK(got.size() == 1);
    times_ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  stop = true;
  writing.join();
  std::ranges::sort(times_ms);
  state.counters["p50_ms"] = times_ms[times_ms.size() / 2];
  state.counters["p99_ms"] = times_ms[times_ms.size() * 99 / 100];
}
BENCHMARK(by_key_while_rows_change)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace meterstream
