// Purpose: port of everything that reads a data set of meter readings, row by row, whatever its file format.
// Shapes: a row is one time and one value per register; an absent value is NaN. Rows keep the order of the
// file. Time base: UTC milliseconds (each reader says how it reads local times). Thread-safety: none. next()
// may block on I/O. Errors: those of the ByteSource, and kInvalid for a header that is not this format.
// Everything else is counted:
//         rows that do not parse never end a run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "metering/byte_source.h"

namespace meterstream {

/// What one column of values measures.
struct MetricRegister {
  std::string metric_type;
  std::string metric_attribute;

  bool operator==(const MetricRegister&) const = default;
};

struct DatasetBatch {
  size_t rows = 0;
  /// Registers in a row.
  size_t width = 0;
  std::vector<EventTime> timestamps;
  /// Line of the file, from 1; to go on after an interruption.
  std::vector<int64_t> line_numbers;
  /// Value of register r in row i is values[i * width + r]; NaN where the row has none.
  std::vector<double> values;
  /// What ReaderProgress counted up to the row's line: for those who use rows one by one.
  struct Counts {
    int64_t rows = 0;
    int64_t values = 0;
    int64_t skipped_values = 0;
    int64_t malformed_lines = 0;
  };
  std::vector<Counts> counts;
};

struct ReaderProgress {
  /// Stored (compressed) bytes of the lines read, of how many; the total is 0 when it is not known.
  int64_t bytes_consumed = 0;
  int64_t bytes_total = 0;
  /// Lines read, with the header.
  int64_t lines = 0;
  int64_t rows = 0;
  int64_t values = 0;
  /// Values given as '?' or left empty.
  int64_t skipped_values = 0;
  /// Lines that are not a row of this format; the first one and what is wrong with it.
  int64_t malformed_lines = 0;
  int64_t first_malformed_line = 0;
  std::string first_malformed_reason;
};

class ReadingReader {
 public:
  virtual ~ReadingReader() = default;
  /// The registers of a row, in order.
  [[nodiscard]] virtual const std::vector<MetricRegister>& registers() const = 0;
  /// Clears `batch` and reads up to `max_rows` rows; an empty batch is the end.
  virtual Status next(DatasetBatch& batch, size_t max_rows) = 0;
  /// Rows on lines before `line_number` are passed over, unparsed and uncounted. Call before the first
  /// next().
  virtual void skip_to_line(int64_t line_number) = 0;
  [[nodiscard]] virtual const ReaderProgress& progress() const = 0;
};

/// The reader for `type`, in any letter case: "electricity" reads UCI files, "water" and "gas" read AMPds2
/// files. Reads the header. kInvalid for another type or a file whose header is not of that format.
Result<std::unique_ptr<ReadingReader>> make_reading_reader(std::string_view type, std::unique_ptr<ByteSource> source);

}  // namespace meterstream
