// Purpose: where a replay takes its readings from: a data set's file, fanned out to households, or the simulator.
// Shapes: readings come in chunks: all of one line of the file, or of one step of the simulation.
// Thread-safety: none. next() may block on I/O.
// Errors: those of the file (ReadingReader); bad lines and values are counted and never end it. A damaged file is
//         kNotFound: kCorrupt speaks of the data that this program stored. kInvalid when a time leaves the years 1 to 9999.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "metering/indexed_reading.h"
#include "metering/reading.h"
#include "metering/reading_reader.h"
#include "metering/replay_fanout.h"
#include "metering/simulator.h"

namespace meterstream {

class ReplaySource {
 public:
  virtual ~ReplaySource() = default;
  /// The series that IndexedReading::series points into.
  [[nodiscard]] virtual const std::vector<SeriesKey>& series() const = 0;
  /// Chunks before this line (or step) are passed over. Call before the first next().
  virtual Status start_at(int64_t line) = 0;
  /// Clears `out` and gives the next chunk, possibly without readings; false at the end.
  virtual Result<bool> next(std::vector<IndexedReading>& out) = 0;
  /// Line or step of the latest chunk; 0 before the first.
  [[nodiscard]] virtual int64_t line() const = 0;
  /// Share of the data up to the latest chunk, 0 to 1; negative when it is not known.
  [[nodiscard]] virtual double share() const = 0;
  /// Of a file, up to the latest chunk; nothing for a simulation.
  [[nodiscard]] virtual std::optional<ReaderProgress> file_progress() const = 0;
};

/// Of the years 1 to 9999, which times in text can have.
bool is_replay_time(int64_t time_ms);

struct FileReplayConfig {
  std::string type;
  std::string path;
  FanoutConfig fanout;
};
Result<std::unique_ptr<ReplaySource>> make_file_replay_source(const FileReplayConfig& config);

/// `steps` of the simulation, then what was held back.
std::unique_ptr<ReplaySource> make_simulated_replay_source(const SimulatorConfig& config, int64_t steps);

}  // namespace meterstream
