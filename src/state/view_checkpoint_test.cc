#include "state/view_checkpoint.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

using Outcome = RecoveryDecision::Outcome;

CommittedPartition committed(int64_t next, int64_t recovery, std::string snapshot, int64_t snapshot_offset) {
  CommittedPartition partition{Offset(next), Offset(recovery), {}};
  partition.checkpoint.snapshot = std::move(snapshot);
  partition.checkpoint.snapshot_offset = Offset(snapshot_offset);
  partition.checkpoint.layout = "a,b";
  return partition;
}

TEST(ViewCheckpoint, ReadsBackWhatItWrote) {
  ViewCheckpoint checkpoint;
  checkpoint.definition = "SELECT";
  checkpoint.watermark_ms = -5;
  checkpoint.closed_before_ms = 60'000;
  checkpoint.closed_beyond_ms = {120'000, 600'000};
  checkpoint.counters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  checkpoint.snapshot = "s";
  checkpoint.snapshot_offset = Offset(77);
  checkpoint.layout = "a,b";
  checkpoint.state_commit = 300;
  const ViewCheckpoint back = decode_view_checkpoint(encode_view_checkpoint(checkpoint)).value();
  EXPECT_EQ(back.definition, "SELECT");
  EXPECT_EQ(back.watermark_ms, -5);
  EXPECT_EQ(back.closed_before_ms, 60'000);
  EXPECT_EQ(back.closed_beyond_ms, checkpoint.closed_beyond_ms);
  EXPECT_EQ(back.counters, checkpoint.counters);
  EXPECT_EQ(back.snapshot, "s");
  EXPECT_EQ(back.snapshot_offset, Offset(77));
  EXPECT_EQ(back.layout, "a,b");
  EXPECT_EQ(back.state_commit, 300);
}

TEST(ViewCheckpoint, ReadsTheFormatWithoutAStateCommit) {
  ViewCheckpoint checkpoint;
  checkpoint.definition = "SELECT";
  std::string bytes = encode_view_checkpoint(checkpoint);
  bytes.pop_back();
  bytes[0] = 1;
  const auto back = decode_view_checkpoint(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->definition, "SELECT");
  EXPECT_EQ(back->state_commit, 0);
}

TEST(ViewCheckpoint, RefusesTruncatedAndNewerBytes) {
  const std::string bytes = encode_view_checkpoint({});
  EXPECT_EQ(decode_view_checkpoint(bytes.substr(0, bytes.size() - 1)).error().code, ErrorCode::kCorrupt);
  std::string newer = bytes;
  newer[0] = 3;
  EXPECT_EQ(decode_view_checkpoint(newer).error().code, ErrorCode::kConflict);
}

TEST(RecoveryDecision, StartsFreshAtTheBeginningOfTheLog) {
  const auto decision = decide_recovery({std::nullopt}, {Offset(12)}, "a,b");
  EXPECT_EQ(decision.outcome, Outcome::kFresh);
  EXPECT_EQ(decision.ranges[0].rebuild_from, Offset(12));
  EXPECT_EQ(decision.ranges[0].live_from, Offset(12));
}

TEST(RecoveryDecision, RebuildsFromTheSnapshotOffset) {
  const auto decision = decide_recovery({committed(100, 40, "s", 80)}, {Offset(0)}, "a,b");
  EXPECT_EQ(decision.outcome, Outcome::kFromSnapshot);
  EXPECT_EQ(decision.snapshot, "s");
  EXPECT_EQ(decision.ranges[0].rebuild_from, Offset(80));
  EXPECT_EQ(decision.ranges[0].live_from, Offset(100));
}

TEST(RecoveryDecision, RebuildsFromTheLogWhenTheViewsOfThePassChanged) {
  const auto decision = decide_recovery({committed(100, 40, "s", 80)}, {Offset(0)}, "a");
  EXPECT_EQ(decision.outcome, Outcome::kFromLog);
  EXPECT_TRUE(decision.snapshot.empty());
  EXPECT_EQ(decision.ranges[0].rebuild_from, Offset(40));
}

TEST(RecoveryDecision, RebuildsFromTheLogWhenRetentionTookWhatFollowsTheSnapshot) {
  const auto decision = decide_recovery({committed(100, 90, "s", 80)}, {Offset(85)}, "a,b");
  EXPECT_EQ(decision.outcome, Outcome::kFromLog);
  EXPECT_EQ(decision.ranges[0].rebuild_from, Offset(90));
}

CommittedPartition with_state(int64_t next, int64_t commit) {
  CommittedPartition partition = committed(next, 40, "s", 80);
  partition.checkpoint.state_commit = commit;
  return partition;
}

TEST(RecoveryDecision, GoesOnFromTheStateOfTheSameCommitWithoutReadingAgain) {
  const auto decision = decide_recovery({with_state(100, 7), with_state(50, 7)}, {Offset(0), Offset(0)}, "a,b");
  EXPECT_EQ(decision.outcome, Outcome::kFromState);
  EXPECT_EQ(decision.state_commit, 7);
  EXPECT_TRUE(decision.snapshot.empty());
  for (const auto& range : decision.ranges) EXPECT_EQ(range.rebuild_from, range.live_from);
  EXPECT_EQ(decision.ranges[1].live_from, Offset(50));
}

TEST(RecoveryDecision, LeavesStateThatDoesNotServeAllPartitions) {
  using Partitions = std::vector<std::optional<CommittedPartition>>;
  const std::vector<Offset> begin = {Offset(0), Offset(0)};
  for (const Partitions& partitions :
       {Partitions{with_state(100, 7), with_state(50, 8)}, Partitions{with_state(100, 7), with_state(50, 0)},
        Partitions{with_state(100, 7), std::nullopt}}) {
    EXPECT_NE(decide_recovery(partitions, begin, "a,b").outcome, Outcome::kFromState);
  }
  EXPECT_NE(decide_recovery({with_state(100, 7)}, {Offset(0)}, "a").outcome, Outcome::kFromState);
}

TEST(RecoveryDecision, RebuildsFromTheLogWhenPartitionsNameDifferentSnapshots) {
  const auto decision =
      decide_recovery({committed(100, 40, "s", 80), committed(10, 10, "t", 5)}, {Offset(0), Offset(0)}, "a,b");
  EXPECT_EQ(decision.outcome, Outcome::kFromLog);
  EXPECT_EQ(decision.ranges[1].rebuild_from, Offset(10));
}

}  // namespace
}  // namespace meterstream
