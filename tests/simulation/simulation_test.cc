// Lives of the engine from consecutive seeds. A failure prints its seed; METERSTREAM_SEED=<n> replays that one alone,
// METERSTREAM_SEEDS=<count> runs more or fewer, METERSTREAM_TRACE=1 tells what happens in them.
#include "testing/simulation.h"

#include <array>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sabotaged_log.h"

namespace meterstream {
namespace {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 0;
};

Seeds chosen_seeds(uint64_t usual) {
  if (const char* one = std::getenv("METERSTREAM_SEED")) return {std::strtoull(one, nullptr, 10), 1};
  if (const char* count = std::getenv("METERSTREAM_SEEDS")) return {1, std::strtoull(count, nullptr, 10)};
  return {1, usual / METERSTREAM_SEEDS_SHARE};
}

SimulationReport live(uint64_t usual, bool follow_wall_clock, std::optional<StateKeeping> state_keeping) {
  const Seeds seeds = chosen_seeds(usual);
  SimulationReport all;
  const auto began = std::chrono::steady_clock::now();
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    SimulationOptions options{.seed = seed,
                              .follow_wall_clock = follow_wall_clock,
                              .state_keeping = state_keeping,
                              .wrap_log = {},
                              .trace = {}};
    if (std::getenv("METERSTREAM_TRACE") != nullptr) {
      options.trace = [](const std::string& line) { fmt::print("{}\n", line); };
    }
    const auto report = simulate(options);
    if (!report) {
      ADD_FAILURE() << report.error().message << "\nreplay it alone with METERSTREAM_SEED=" << seed;
      return all;
    }
    all += *report;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print(
      "{} seeds in {:.1f} s: {} records, {} steps, {} faults, {} crashes, {} deployments ({} from a snapshot, {} from "
      "the log, {} from state, {} advances by the clock alone), {} results, {} late, {} duplicate, {} rejected\n",
      seeds.count, took.count(), all.records, all.steps, all.faults, all.crashes, all.deployments, all.from_snapshot,
      all.from_log, all.from_state, all.idle_advances, all.results, all.late, all.duplicate, all.rejected);
  if (seeds.count < 100) return all;
  // A simulation in which nothing happens proves nothing.
  EXPECT_GT(all.records, seeds.count * 50);
  EXPECT_GT(all.faults, seeds.count);
  if (state_keeping != StateKeeping::kChangelog) {
    EXPECT_GT(all.from_snapshot, seeds.count / 4);
    EXPECT_GT(all.from_log, seeds.count / 4);
  }
  if (state_keeping != StateKeeping::kSnapshots) {
    EXPECT_GT(all.from_state, seeds.count / 4);
  }
  EXPECT_GT(all.late, seeds.count);
  EXPECT_GT(all.rejected, seeds.count);
  return all;
}

class SimulatedLives : public testing::TestWithParam<std::optional<StateKeeping>> {};

TEST_P(SimulatedLives, EndWithTheAnswersOfTheOracle) {
  live(GetParam() ? 5'000 : 2'000, false, GetParam());
}

TEST_P(SimulatedLives, LoseAndDoubleNothingWhenWindowsCloseByWallClock) {
  const SimulationReport report = live(1'000, true, GetParam());
  EXPECT_GT(report.idle_advances, 0U);
}

INSTANTIATE_TEST_SUITE_P(Keeping, SimulatedLives,
                         testing::Values(StateKeeping::kSnapshots, StateKeeping::kChangelog, std::nullopt),
                         [](const auto& lives) -> std::string {
                           if (!lives.param) return "StateInAnotherWayEachTime";
                           return *lives.param == StateKeeping::kSnapshots ? "Snapshots" : "StateWithEachCommit";
                         });

TEST(Simulation, TheSameSeedGivesTheSameLife) {
  for (const uint64_t seed : {3U, 77U, 1234U}) {
    const SimulationOptions options{
        .seed = seed, .follow_wall_clock = false, .state_keeping = std::nullopt, .wrap_log = {}, .trace = {}};
    const auto first = simulate(options);
    const auto second = simulate(options);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(
        std::tuple(first->records, first->steps, first->faults, first->crashes, first->results, first->late),
        std::tuple(second->records, second->steps, second->faults, second->crashes, second->results, second->late));
  }
}

class SabotagedSimulation : public testing::TestWithParam<Sabotage> {};

TEST_P(SabotagedSimulation, IsNoticed) {
  int harmed = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    int done = 0;
    const auto report = simulate(
        {.seed = seed,
         .follow_wall_clock = false,
         .state_keeping = GetParam() == Sabotage::kDropState ? StateKeeping::kChangelog : StateKeeping::kSnapshots,
         .wrap_log = [&](EventLog& log) { return std::make_unique<SabotagedLog>(log, GetParam(), done); },
         .trace = {}});
    harmed += done > 0 ? 1 : 0;
    if (report) continue;
    EXPECT_GT(done, 0) << report.error().message;
    EXPECT_EQ(report.error().code, ErrorCode::kConflict) << report.error().message;
    fmt::print("{}\n", report.error().message);
    return;
  }
  FAIL() << "nobody noticed; " << harmed << " lives were harmed";
}

std::string name_of(const testing::TestParamInfo<Sabotage>& info) {
  constexpr std::array kNames = {"None",          "DropResult",   "DuplicateResult", "AlterResult",
                                 "DropLate",      "DropRejected", "DropReading",     "OutputFirst",
                                 "PositionFirst", "DropRow",      "DropState"};
  return kNames.at(static_cast<size_t>(info.param));
}

INSTANTIATE_TEST_SUITE_P(AllKinds, SabotagedSimulation,
                         testing::Values(Sabotage::kDropResult, Sabotage::kDuplicateResult, Sabotage::kAlterResult,
                                         Sabotage::kDropLate, Sabotage::kDropRejected, Sabotage::kDropReading,
                                         Sabotage::kOutputFirst, Sabotage::kPositionFirst, Sabotage::kDropRow,
                                         Sabotage::kDropState),
                         name_of);

}  // namespace
}  // namespace meterstream
