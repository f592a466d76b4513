#include "metering/json_encoder.h"

#include <bit>
#include <charconv>
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace meterstream {
namespace {

std::string number_text(double number) {
  std::string text;
  append_json_number(text, number);
  return text;
}

/// By the standard library alone.
std::string shortest_text(double number) {
  char digits[64];
  return {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr};
}

TEST(JsonEncoder, WritesDoublesAsTheShortestDigits) {
  for (const auto& [number, text] : {std::pair{0.0, "0"},
                                     {-0.0, "-0"},
                                     {1.0, "1"},
                                     {-230.84, "-230.84"},
                                     {0.001, "0.001"},
                                     {0.0012, "0.0012"},
                                     {0.0001, "1e-04"},
                                     {99999.0, "99999"},
                                     {100000.0, "1e+05"},
                                     {1200000.0, "1200000"},
                                     {0.1 + 0.2, "0.30000000000000004"},
                                     {999999999.5, "999999999.5"},
                                     {1e9, "1e+09"},
                                     {123456.789012, "123456.789012"},
                                     {1e300, "1e+300"},
                                     {5e-324, "5e-324"},
                                     {NAN, "null"},
                                     {-INFINITY, "null"}}) {
    EXPECT_EQ(number_text(number), text);
  }
}

RC_GTEST_PROP(JsonEncoder, WritesDecimalsAsTheStandardLibraryDoes, (int64_t units)) {
  for (const double divisor : {1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}) {
    for (const int64_t part :
         {units, units % 1'000'000'000, units % 1'000'000, units % 1000, units % 1000 * 1'000'000}) {
      const double number = static_cast<double>(part) / divisor;
      RC_ASSERT(number_text(number) == shortest_text(number));
      const double next = std::nextafter(number, INFINITY);
      RC_ASSERT(number_text(next) == shortest_text(next));
      RC_ASSERT(number_text(number * 1.5) == shortest_text(number * 1.5));
    }
  }
}

RC_GTEST_PROP(JsonEncoder, WritesAnyDoubleAsTheStandardLibraryDoes, (uint64_t bits)) {
  const auto number = std::bit_cast<double>(bits);
  RC_PRE(std::isfinite(number));
  RC_ASSERT(number_text(number) == shortest_text(number));
}

RC_GTEST_PROP(JsonEncoder, EscapesWhatJsonCannotHoldWhereverItStands, (const std::string& text)) {
  // Characters that need it among many that do not.
  std::string bytes;
  for (const char c : text) bytes += c % 5 == 0 ? c : static_cast<char>('a' + (c & 15));
  std::string expected = "\"";
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      expected += {'\\', c};
    } else if (c == '\n' || c == '\r' || c == '\t') {
      expected += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'};
    } else if (code < 0x20) {
      expected += std::string("\\u00") + "01"[code >> 4] + "0123456789abcdef"[code & 15];
    } else {
      expected += c;
    }
  }
  for (int times = 0; times < 2; ++times) {
    std::string actual;
    append_json_string(actual, bytes);
    RC_ASSERT(actual == expected + '"');
    // Once more as a text that is long.
    bytes.append(80, 'x');
    expected.append(80, 'x');
  }
}

}  // namespace
}  // namespace meterstream
