// Purpose: a life of the whole engine, decided by one seed: readings arrive, tasks step, the clock moves, the store
//          breaks, the process dies and comes back, and at the end everything must have been counted exactly once.
// Determinism: one thread, one clock, one random source. The same seed gives the same life on every machine.
// Faults: those of FaultyKeyValueStore: crash before or after a write, torn write, failed sync, no space, power loss.
// Thread-safety: none; different simulations are independent.
// Errors: kConflict names the invariant that does not hold; any other error is one that the engine gave without a fault.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "log/event_log.h"
#include "stream/pass_task.h"

namespace meterstream {

struct SimulationOptions {
  uint64_t seed = 0;
  /// Windows also close by wall clock. What is late then depends on when things happened, so that only conservation is
  /// checked and not the answers.
  bool follow_wall_clock = false;
  /// How the passes keep their state; nullopt: another way with each deployment.
  std::optional<StateKeeping> state_keeping = StateKeeping::kSnapshots;
  /// Puts something between tasks and log; to prove that the simulation notices a broken engine.
  std::function<std::unique_ptr<EventLog>(EventLog&)> wrap_log;
  /// Hears what happens, a line each, when a life is replayed to understand it.
  std::function<void(const std::string&)> trace;
};

struct SimulationReport {
  uint64_t records = 0;
  uint64_t steps = 0;
  uint64_t faults = 0;
  uint64_t crashes = 0;
  uint64_t deployments = 0;
  uint64_t from_snapshot = 0;
  uint64_t from_log = 0;
  uint64_t from_state = 0;
  uint64_t idle_advances = 0;  ///< the wall clock moved a watermark
  uint64_t results = 0;
  uint64_t late = 0;
  uint64_t duplicate = 0;
  uint64_t rejected = 0;

  SimulationReport& operator+=(const SimulationReport& other);
};

Result<SimulationReport> simulate(const SimulationOptions& options);

}  // namespace meterstream
