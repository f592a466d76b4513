// Joins with tables that are computed, from SQL to what tasks write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "log/embedded_log.h"
#include "metering/memory_schema_store.h"
#include "sql/stream_plan.h"
#include "state/memory_store.h"
#include "stream/transaction_builder.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

constexpr std::string_view kFlows =
    "CREATE STREAM rows (k VARCHAR KEY, at TIMESTAMP, v BIGINT) WITH (topic = 'rows', value_format = 'JSON', "
    "partitions = 1);"
    "CREATE TABLE peaks AS SELECT k, MAX(v) AS peak, TOPK(v, 2) AS highest FROM rows GROUP BY k;"
    "CREATE STREAM joined AS SELECT r.k, r.at, r.v, p.peak, p.highest FROM rows r JOIN peaks p ON r.k = p.k;";

class ComputedTable : public ::testing::Test {
 protected:
  void append(const std::vector<std::pair<std::string, std::string>>& records) {
    ASSERT_TRUE(log_->create_topic({"rows", 1}));
    TransactionBuilder output;
    const size_t topic = output.topic("rows");
    for (const auto& [key, value] : records) output.add(topic, PartitionId(0), key, value, {}, IngestTime(0));
    Transaction transaction;
    output.move_into(transaction);
    ASSERT_TRUE(log_->commit(std::move(transaction), Durability::kBuffered));
  }

  static void run(Task& task) {
    while (true) {
      const auto step = task.step();
      ASSERT_TRUE(step) << step.error().message;
      if (*step == Task::Step::kExhausted) break;
    }
    const Status done = task.finish(true);
    ASSERT_TRUE(done) << done.error().message;
  }

  std::vector<std::string> values_of(const std::string& topic, int32_t partitions) {
    std::vector<std::string> values;
    RecordSet records;
    for (int32_t partition = 0; partition < partitions; ++partition) {
      EXPECT_TRUE(log_->read({topic, PartitionId(partition)}, Offset(0), 1 << 20, records));
      for (const RecordView& record : records.records) values.emplace_back(record.value);
    }
    return values;
  }

  MemoryStore store_;
  SystemClock clock_;
  MemorySchemaStore schemas_;
  std::unique_ptr<EmbeddedLog> log_ = EmbeddedLog::open(store_, clock_).value();
  TableFeeds tables_{*log_, schemas_};
};

// Another task of the process may have looked for news a moment ago, or is at it.
TEST_F(ComputedTable, IsWholeBeforeTheFirstRowOfABoundedRun) {
  append({{"a", R"({"at":"2024-01-01T00:00:00Z","v":1})"}, {"a", R"({"at":"2024-01-01T00:01:00Z","v":3})"}});
  const auto program = compile_sql(kFlows, "f.sql");
  ASSERT_TRUE(program) << program.error().message;
  PassTaskOptions options;
  options.bounded = true;
  auto tasks = deploy_views(program->views, Runtime{*log_, store_, schemas_, clock_, &tables_}, options);
  ASSERT_TRUE(tasks) << tasks.error().message;
  ASSERT_EQ(tasks->size(), 2U);
  for (const auto& task : *tasks) ASSERT_TRUE(task->open());
  Task& table = *(*tasks)[(*tasks)[0]->needs_whole_inputs() ? 1 : 0];
  Task& join = *(*tasks)[(*tasks)[0]->needs_whole_inputs() ? 0 : 1];
  ASSERT_TRUE(join.needs_whole_inputs());
  ASSERT_EQ(tables_.all().size(), 1U);
  ASSERT_TRUE(tables_.all().front()->refresh(clock_.monotonic_ns() + 1'000'000'000'000));
  run(table);
  run(join);
  EXPECT_THAT(values_of("joined", 4),
              ::testing::ElementsAre(R"({"k":"a","at":"2024-01-01T00:00:00Z","v":1,"peak":3,"highest":"[3,1]"})",
                                     R"({"k":"a","at":"2024-01-01T00:01:00Z","v":3,"peak":3,"highest":"[3,1]"})"));
  EXPECT_EQ(tables_.all().front()->faults().records, 0);
}

}  // namespace
}  // namespace meterstream
