// Purpose: the ReadingReader of text files with a header and one row a line; what differs between formats is which
//          column means what.
// Rules: a row must have as many fields as the header. '?' and empty values are skipped and counted. A row with any
//        other fault is malformed as a whole and counted. Empty lines are passed over.
// Thread-safety: none.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metering/line_splitter.h"
#include "metering/reading_reader.h"

namespace meterstream {

struct DelimitedColumn {
  enum class Role : uint8_t {
    kIgnored,
    kDate,         ///< d/m/yyyy
    kTimeOfDay,    ///< h:mm:ss, UTC
    kUnixSeconds,  ///< whole seconds since 1970, UTC
    kValue,
  };
  Role role = Role::kIgnored;
  /// Of a kValue: index into the registers.
  size_t register_index = 0;
};

struct DelimitedFormat {
  char separator = ',';
  /// One a column of the file. Either one kUnixSeconds, or one kDate and one kTimeOfDay.
  std::vector<DelimitedColumn> columns;
  std::vector<MetricRegister> registers;
};

/// The fields of a header line, without spaces and quotes around them.
std::vector<std::string> split_header(std::string_view line, char separator);

class DelimitedReader final : public ReadingReader {
 public:
  /// Reads the header line of a source. kInvalid for an empty file.
  static Result<std::string> read_header(ByteSource& source, LineSplitter& lines);

  /// `lines` has read the header already.
  DelimitedReader(std::unique_ptr<ByteSource> source, std::unique_ptr<LineSplitter> lines, DelimitedFormat format);

  [[nodiscard]] const std::vector<MetricRegister>& registers() const override { return format_.registers; }
  Status next(DatasetBatch& batch, size_t max_rows) override;
  void skip_to_line(int64_t line_number) override { first_line_ = line_number; }
  [[nodiscard]] const ReaderProgress& progress() const override { return progress_; }

 private:
  enum class RowKind : uint8_t { kValues, kNoValues, kMalformed };

  RowKind parse_row(std::string_view line, double* values);
  bool parse_field(const DelimitedColumn& column, const char*& position, const char* end, double* values);
  bool parse_date(const char*& position, const char* end);
  bool parse_time_of_day(const char*& position, const char* end);
  bool parse_unix_seconds(const char*& position, const char* end);
  bool parse_value(size_t index, const char*& position, const char* end, double* values);
  void count_malformed(int64_t line_number);

  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<LineSplitter> lines_;
  DelimitedFormat format_;
  ReaderProgress progress_;
  int64_t first_line_ = 0;
  Status fault_status_;
  // Of the row being parsed.
  int64_t day_ms_ = 0;
  int64_t time_ms_ = 0;
  int64_t row_skipped_ = 0;
  int64_t row_values_ = 0;
  const char* fault_ = "";
  // Consecutive rows mostly have the same date.
  std::string last_date_;
  int64_t last_day_ms_ = 0;
};

}  // namespace meterstream
