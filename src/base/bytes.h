// Purpose: fixed-width and variable-length integers in byte strings.
// Formats: big-endian (keys that sort), little-endian (bodies), zigzag varint (Avro "long", Protocol Buffers sint64).
// Ownership: readers never copy; returned views live as long as the bytes they were made from.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace meterstream {

template <class Number>
void append_little_endian(std::string& out, Number number) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof(Number)];
  std::memcpy(bytes, &number, sizeof(Number));
  out.append(bytes, sizeof(Number));
}

template <class Number>
Number load_little_endian(const char* bytes) {
  static_assert(std::endian::native == std::endian::little);
  Number number;
  std::memcpy(&number, bytes, sizeof(Number));
  return number;
}

inline void append_big_endian32(std::string& out, uint32_t number) {
  append_little_endian(out, __builtin_bswap32(number));
}
inline void append_big_endian64(std::string& out, uint64_t number) {
  append_little_endian(out, __builtin_bswap64(number));
}
inline uint32_t load_big_endian32(const char* bytes) {
  return __builtin_bswap32(load_little_endian<uint32_t>(bytes));
}
inline uint64_t load_big_endian64(const char* bytes) {
  return __builtin_bswap64(load_little_endian<uint64_t>(bytes));
}

/// LEB128, at most 10 bytes.
inline void append_varint(std::string& out, uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

inline constexpr uint64_t zigzag(int64_t number) {
  return (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
}
inline constexpr int64_t unzigzag(uint64_t number) {
  return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
}

/// Reads a byte string front to back. After a failed read every later read fails too; ask ok() once at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : position_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t remaining() const { return static_cast<size_t>(end_ - position_); }
  [[nodiscard]] const char* position() const { return position_; }

  uint64_t varint() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (position_ == end_) break;
      const auto byte = static_cast<uint8_t>(*position_++);
      number |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift == 63 && byte > 1) break;
        return number;
      }
    }
    ok_ = false;
    position_ = end_;
    return 0;
  }
  int64_t zigzag_varint() { return unzigzag(varint()); }

  template <class Number>
  Number little_endian() {
    if (remaining() < sizeof(Number)) {
      ok_ = false;
      position_ = end_;
      return Number{};
    }
    const Number number = load_little_endian<Number>(position_);
    position_ += sizeof(Number);
    return number;
  }

  std::string_view bytes(uint64_t count) {
    if (remaining() < count) {
      ok_ = false;
      position_ = end_;
      return {};
    }
    const std::string_view view(position_, count);
    position_ += count;
    return view;
  }
  /// A varint length and that many bytes.
  std::string_view sized_bytes() { return bytes(varint()); }

 private:
  const char* position_;
  const char* end_;
  bool ok_ = true;
};

inline void append_sized(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

/// CRC-32C (Castagnoli), as in Kafka's record batches and RFC 3720.
uint32_t crc32c(std::string_view bytes);

}  // namespace meterstream
