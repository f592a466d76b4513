#include "connectors/cassandra/cassandra_values.h"

#include <bit>

namespace meterstream {
namespace {

constexpr int32_t kScale = 9;
constexpr size_t kLengthBytes = 4;
constexpr size_t kUnitsBytes = sizeof(__int128);

template <class Unsigned>
void append_big_endian(std::string& out, Unsigned value) {
  char bytes[sizeof(Unsigned)];
  for (size_t index = 0; index < sizeof(Unsigned); ++index)
    bytes[index] = static_cast<char>(value >> (8 * (sizeof(Unsigned) - 1 - index)));
  out.append(bytes, sizeof bytes);
}

template <class Unsigned>
Unsigned load_big_endian(std::string_view bytes) {
  Unsigned value = 0;
  for (const char byte : bytes) value = static_cast<Unsigned>(value << 8) | static_cast<uint8_t>(byte);
  return value;
}

void append_length(std::string& out, size_t size) {
  append_big_endian(out, static_cast<uint32_t>(size));
}

}  // namespace

void append_cassandra_text(std::string& out, std::string_view text) {
  append_length(out, text.size());
  out.append(text);
}

void append_cassandra_int(std::string& out, int32_t value) {
  append_length(out, sizeof value);
  append_big_endian(out, static_cast<uint32_t>(value));
}

void append_cassandra_bigint(std::string& out, int64_t value) {
  append_length(out, sizeof value);
  append_big_endian(out, static_cast<uint64_t>(value));
}

void append_cassandra_double(std::string& out, double value) {
  append_length(out, sizeof value);
  append_big_endian(out, std::bit_cast<uint64_t>(value));
}

void append_cassandra_decimal(std::string& out, __int128 units) {
  char bytes[kUnitsBytes];
  for (size_t index = 0; index < kUnitsBytes; ++index)
    bytes[index] = static_cast<char>(units >> (8 * (kUnitsBytes - 1 - index)));
  // As few bytes as keep the sign.
  size_t first = 0;
  while (first + 1 < kUnitsBytes) {
    const bool is_negative = (static_cast<uint8_t>(bytes[first + 1]) & 0x80) != 0;
    if (bytes[first] != (is_negative ? '\xff' : '\0')) break;
    ++first;
  }
  append_length(out, sizeof kScale + kUnitsBytes - first);
  append_big_endian(out, static_cast<uint32_t>(kScale));
  out.append(bytes + first, kUnitsBytes - first);
}

std::string_view CassandraValueReader::value(size_t size) {
  if (bytes_.size() < kLengthBytes) {
    is_ok_ = false;
    return {};
  }
  const auto length = static_cast<int32_t>(load_big_endian<uint32_t>(bytes_.substr(0, kLengthBytes)));
  bytes_.remove_prefix(kLengthBytes);
  if (length < 0 && size == 0) return {};
  if (length < 0 || bytes_.size() < static_cast<size_t>(length) || (size != 0 && static_cast<size_t>(length) != size)) {
    is_ok_ = false;
    return {};
  }
  const std::string_view found = bytes_.substr(0, static_cast<size_t>(length));
  bytes_.remove_prefix(found.size());
  return found;
}

std::string_view CassandraValueReader::text() {
  return value(0);
}

int32_t CassandraValueReader::integer() {
  return static_cast<int32_t>(load_big_endian<uint32_t>(value(sizeof(int32_t))));
}

int64_t CassandraValueReader::bigint() {
  return static_cast<int64_t>(load_big_endian<uint64_t>(value(sizeof(int64_t))));
}

double CassandraValueReader::real() {
  return std::bit_cast<double>(load_big_endian<uint64_t>(value(sizeof(double))));
}

__int128 CassandraValueReader::decimal_units() {
  const std::string_view bytes = value(0);
  if (bytes.size() <= sizeof kScale || bytes.size() > sizeof kScale + kUnitsBytes) {
    is_ok_ = false;
    return 0;
  }
  const auto scale = static_cast<int32_t>(load_big_endian<uint32_t>(bytes.substr(0, sizeof kScale)));
  __int128 units = (bytes[sizeof kScale] & 0x80) != 0 ? -1 : 0;
  for (const char byte : bytes.substr(sizeof kScale))
    units = static_cast<__int128>((static_cast<unsigned __int128>(units) << 8) | static_cast<uint8_t>(byte));
  for (int32_t at = scale; at < kScale && is_ok_; ++at)
    is_ok_ = units == 0 || !__builtin_mul_overflow(units, 10, &units);
  for (int32_t at = scale; at > kScale && is_ok_; --at) {
    if (units == 0) break;
    is_ok_ = units % 10 == 0;
    units /= 10;
  }
  return units;
}

}  // namespace meterstream
