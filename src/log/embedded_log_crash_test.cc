// Random commits over a store that breaks at random, from a printed seed. After every crash the log must hold exactly
// what was acknowledged, and at most the one commit whose answer was an error, whole.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "log/embedded_log.h"
#include "testing/faulty_key_value_store.h"

namespace meterstream {
namespace {

constexpr int kPartitions = 2;

// What must be in the log: values per partition, and the group's position, which counts commits.
struct Model {
  std::vector<std::string> values[kPartitions];
  int64_t next = 0;
  bool operator==(const Model&) const = default;
};

class CrashRun {
 public:
  explicit CrashRun(uint64_t seed) : random_(seed) {
    store_ = std::make_unique<FaultyKeyValueStore>();
    open();
    EXPECT_TRUE(log_->create_topic({.name = "t", .partitions = kPartitions}));
    acknowledged_ = history_.emplace_back();
    store_->set_plan(next_plan());
  }

  void run(int commits) {
    for (int index = 0; index < commits && !testing::Test::HasFailure(); ++index) {
      if (!commit(random_() % 3 == 0 ? Durability::kBuffered : Durability::kSync)) {
        // The call may be repeated unless the store is broken; both ways are taken.
        if (!store_->is_down() && random_() % 2 == 0) continue;
        crash();
      } else if (random_() % 20 == 0) {
        crash();
      }
    }
    crash();
  }

 private:
  StoreFaultPlan next_plan() { return StoreFaultPlan::random(random_(), 0.05); }

  void open() {
    auto log = EmbeddedLog::open(*store_, clock_, {.recent_bytes = random_() % 2 == 0 ? 0U : 10'000U});
    ASSERT_TRUE(log) << log.error().message;
    log_ = *std::move(log);
  }

  bool commit(Durability durability) {
    Model after = acknowledged_;
    Transaction transaction;
    const auto appends = random_() % 3;
    for (uint64_t append = 0; append < appends; ++append) {
      const int partition = static_cast<int>(random_() % kPartitions);
      RecordBatchBuilder builder;
      const auto count = 1 + random_() % 4;
      for (uint64_t record = 0; record < count; ++record) {
        const std::string value = std::to_string(counter_++) + std::string(random_() % 200, '.');
        builder.add("k", value, {}, IngestTime(0));
        after.values[partition].push_back(value);
      }
      transaction.appends.push_back({{"t", PartitionId(partition)}, std::move(builder)});
    }
    ++after.next;
    transaction.positions.push_back({"g", {"t", PartitionId(0)}, {Offset(after.next), Offset(0), {}}});
    transaction.state.put(Space::kState, "count", std::to_string(after.next));
    const Status status = log_->commit(std::move(transaction), durability);
    if (!status) {
      uncertain_.push_back(after);
      verify_live();
      return false;
    }
    uncertain_.clear();  // writing went on, so the failure before was one that keeps nothing
    acknowledged_ = after;
    history_.push_back(acknowledged_);
    if (durability == Durability::kSync) history_.erase(history_.begin(), history_.end() - 1);
    verify_live();
    return true;
  }

  // What readers of the running log see: acknowledged commits and nothing else.
  void verify_live() {
    if (!store_->is_down()) {
      EXPECT_EQ(contents(), acknowledged_);
    }
  }

  Model contents() {
    Model model;
    for (int partition = 0; partition < kPartitions; ++partition) {
      const TopicPartition source{"t", PartitionId(partition)};
      const auto range = log_->offsets(source);
      EXPECT_TRUE(range);
      RecordSet set;
      for (Offset next = range->begin; next < range->end; next = set.next) {
        const Status status = log_->read(source, next, 1 + random_() % 500, set);
        EXPECT_TRUE(status) << status.error().message;
        if (!status) return model;
        for (const RecordView& record : set.records) {
          EXPECT_EQ(record.offset.value, static_cast<int64_t>(model.values[partition].size()));
          model.values[partition].emplace_back(record.value);
        }
      }
    }
    const auto position = log_->position("g", {"t", PartitionId(0)});
    EXPECT_TRUE(position);
    if (position && *position) model.next = (*position)->next.value;
    const auto state = store_->get(Space::kState, "count");
    EXPECT_TRUE(state);
    EXPECT_EQ(state && *state ? std::stoll(std::string((*state)->bytes)) : 0, model.next);
    return model;
  }

  void crash() {
    const auto kind = random_() % 2 == 0 ? StoreCrash::kPowerLoss : StoreCrash::kProcessKilled;
    log_.reset();
    store_ = store_->crash(kind);
    open();
    const Model survived = contents();
    const bool is_acknowledged = survived == acknowledged_;
    const bool is_uncertain = std::ranges::find(uncertain_, survived) != uncertain_.end();
    // Commits that were only buffered may be gone after a power loss, but only a suffix of them.
    const bool is_prefix = kind == StoreCrash::kPowerLoss && std::ranges::find(history_, survived) != history_.end();
    EXPECT_TRUE(is_acknowledged || is_uncertain || is_prefix)
        << "position " << survived.next << ", acknowledged " << acknowledged_.next;
    acknowledged_ = survived;
    history_ = {survived};
    uncertain_.clear();
    store_->set_plan(next_plan());
  }

  std::mt19937_64 random_;
  ManualClock clock_{IngestTime(1'700'000'000'000)};
  std::unique_ptr<FaultyKeyValueStore> store_;
  std::unique_ptr<EmbeddedLog> log_;
  uint64_t counter_ = 0;
  Model acknowledged_;
  std::vector<Model> uncertain_;  // each without the failed ones before it
  std::vector<Model> history_;    // since the last synced commit
};

TEST(EmbeddedLogCrash, LogReadBackIsTheLogAcknowledgedForEverySeed) {
  constexpr uint64_t kSeeds = 1'000;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CrashRun(seed).run(60);
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace meterstream
