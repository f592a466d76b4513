// Purpose: values in Cassandra's own encoding, as the driver takes and gives them: a 32-bit big-endian length and the bytes.
// Units: timestamps are milliseconds since 1970-01-01T00:00:00Z, decimals units of 1e-9.
// Thread-safety: values. Errors: a reader that met bytes which are not the value asked for says so in ok().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meterstream {

void append_cassandra_text(std::string& out, std::string_view text);
void append_cassandra_int(std::string& out, int32_t value);
/// Also a timestamp.
void append_cassandra_bigint(std::string& out, int64_t value);
void append_cassandra_double(std::string& out, double value);
void append_cassandra_decimal(std::string& out, __int128 units);

/// Takes values from the front of `bytes`, which must outlive it.
class CassandraValueReader {
 public:
  explicit CassandraValueReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return is_ok_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }
  /// Null is an empty text.
  std::string_view text();
  int32_t integer();
  int64_t bigint();
  double real();
  /// A scale beyond 9 decimals that are not 0, and what does not fit, is not ok.
  __int128 decimal_units();

 private:
  /// A value that is not null, of this size unless it is 0.
  std::string_view value(size_t size);

  std::string_view bytes_;
  bool is_ok_ = true;
};

}  // namespace meterstream
