// Readings made by the simulator, all kinds of meters and all faults on.
#include <benchmark/benchmark.h>

#include "metering/simulator.h"

namespace meterstream {
namespace {

void SimulatorSteps(benchmark::State& state) {
  SimulatorConfig config;
  config.households = static_cast<int32_t>(state.range(0));
  Simulator simulator(config);
  std::vector<IndexedReading> readings;
  for (auto _ : state) {
    readings.clear();
    simulator.next_step(readings);
    benchmark::DoNotOptimize(readings.data());
  }
  state.SetItemsProcessed(simulator.truth().delivered);
}
BENCHMARK(SimulatorSteps)->Arg(500)->Arg(20'000);

}  // namespace
}  // namespace meterstream
