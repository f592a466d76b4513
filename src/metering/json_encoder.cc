#include "metering/json_encoder.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/bytes.h"

namespace meterstream {

namespace {

constexpr uint64_t kEachByte = 0x0101010101010101ULL;

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

/// Whether one of the eight bytes does.
bool any_needs_escape(uint64_t bytes) {
  const uint64_t quotes = bytes ^ (kEachByte * '"');
  const uint64_t backslashes = bytes ^ (kEachByte * '\\');
  const uint64_t found = ((bytes - kEachByte * 0x20) & ~bytes) | ((quotes - kEachByte) & ~quotes) |
                         ((backslashes - kEachByte) & ~backslashes);
  return (found & (kEachByte << 7)) != 0;
}

char* write_escaped(char* at, char c) {
  *at++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *at++ = c;
      return at;
    case '\n':
      *at++ = 'n';
      return at;
    case '\r':
      *at++ = 'r';
      return at;
    case '\t':
      *at++ = 't';
      return at;
    default: {
      constexpr char kHex[] = "0123456789abcdef";
      std::string_view("u00").copy(at, 3);
      at[3] = kHex[static_cast<unsigned char>(c) >> 4];
      at[4] = kHex[static_cast<unsigned char>(c) & 15];
      return at + 5;
    }
  }
}

/// At most six digits behind the point and nine before it, the usual values of meters; null for other numbers. A decimal of at
/// most 15 digits is the shortest text of its double: no other one of so few digits reads back as the same.
char* write_short_decimal(char* at, double number) {
  constexpr uint64_t kUnitsPerOne = 1'000'000;
  constexpr uint64_t kShorterWithExponent = 100'000;
  const double size = std::fabs(number);
  if (!(size >= 1e-3 && size < 1e9)) return nullptr;
  const auto units = static_cast<uint64_t>(std::rint(size * double{kUnitsPerOne}));
  if (static_cast<double>(units) / double{kUnitsPerOne} != size) return nullptr;
  const auto whole = static_cast<uint32_t>(units / kUnitsPerOne);
  auto fraction = static_cast<uint32_t>(units % kUnitsPerOne);
  if (fraction == 0 && whole % kShorterWithExponent == 0) return nullptr;
  if (number < 0) *at++ = '-';
  at = std::to_chars(at, at + kMaxJsonNumberBytes, whole).ptr;
  if (fraction == 0) return at;
  *at = '.';
  for (int place = 6; place > 0; --place, fraction /= 10) at[place] = static_cast<char>('0' + fraction % 10);
  at += 6;
  while (*at == '0') --at;
  return at + 1;
}

}  // namespace

char* write_json_string(char* at, std::string_view text) {
  constexpr size_t kWord = sizeof(uint64_t);
  const char* from = text.data();
  const char* const end = from + text.size();
  *at++ = '"';
  if (text.size() >= kWord) {
    bool is_plain = true;
    while (static_cast<size_t>(end - from) > kWord) {
      const auto word = load_little_endian<uint64_t>(from);
      is_plain = !any_needs_escape(word);
      if (!is_plain) [[unlikely]]
        break;
      std::memcpy(at, &word, kWord);
      from += kWord;
      at += kWord;
    }
    const auto last = load_little_endian<uint64_t>(end - kWord);
    if (is_plain && !any_needs_escape(last)) [[likely]] {
      // May write some bytes once more.
      at += end - from;
      std::memcpy(at - kWord, &last, kWord);
      from = end;
    }
  }
  for (; from != end; ++from) {
    if (needs_escape(*from)) [[unlikely]] {
      at = write_escaped(at, *from);
    } else {
      *at++ = *from;
    }
  }
  *at++ = '"';
  return at;
}

char* write_json_number(char* at, double number) {
  if (char* const end = write_short_decimal(at, number); end != nullptr) return end;
  if (!std::isfinite(number)) {
    return at + std::string_view("null").copy(at, 4);
  }
  return std::to_chars(at, at + kMaxJsonNumberBytes, number).ptr;
}

char* write_json_number(char* at, int64_t number) {
  return std::to_chars(at, at + kMaxJsonNumberBytes, number).ptr;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr size_t kShortBytes = 64;
  if (text.size() <= kShortBytes) {
    char quoted[6 * kShortBytes + 2];
    out.append(quoted, static_cast<size_t>(write_json_string(quoted, text) - quoted));
    return;
  }
  const size_t size = out.size();
  out.resize(size + max_json_string_bytes(text));
  out.resize(static_cast<size_t>(write_json_string(out.data() + size, text) - out.data()));
}

void append_json_number(std::string& out, double number) {
  char digits[kMaxJsonNumberBytes];
  out.append(digits, static_cast<size_t>(write_json_number(digits, number) - digits));
}

void append_json_number(std::string& out, int64_t number) {
  char digits[kMaxJsonNumberBytes];
  out.append(digits, static_cast<size_t>(write_json_number(digits, number) - digits));
}

std::string json_member(std::string_view name, bool is_first) {
  std::string text(is_first ? "{" : ",");
  append_json_string(text, name);
  return text + ':';
}

}  // namespace meterstream
