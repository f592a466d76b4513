// Purpose: what an aggregate of variable size (a percentile, an increase, the latest value) remembers of a window of a group: an
//          ordered set of samples.
// Rules: what a set holds is a function of which samples were added and merged, not of their order; a limited set drops what
//        lies beyond its limit, so that it never needs it again.
// Cost: 16 bytes a sample, and for texts 40 and their bytes; memory_bytes() counts them. Adding in order costs nothing more, out
//       of order a binary search and a share of a merge.
// Thread-safety: none; reading settles what was added out of order.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "metering/column_batch.h"

namespace meterstream {

/// Which samples a set keeps, and what tells two of them apart.
struct SampleShape {
  enum class Kind : uint8_t {
    kNumbers,   ///< values of numbers, times and truth values
    kReadings,  ///< numbers with their event times
    kTexts,     ///< values of texts
    kPlaced,    ///< values with their places in the log
  };
  Kind kind = Kind::kNumbers;
  bool is_counted = false;      ///< how often each came; else only that it did
  uint32_t limit = 0;           ///< of distinct samples; 0: none
  bool keeps_greatest = false;  ///< with a limit: else the least
  bool operator==(const SampleShape&) const = default;
};

/// A value as bits that compare as it does. -0 and 0 are one.
uint64_t ordered_bits(int64_t value);
uint64_t ordered_bits(double value);
int64_t integer_of(uint64_t bits);
double double_of(uint64_t bits);

/// A value of one row. Texts have data and no number.
struct Sample {
  int64_t time_ms = 0;
  int64_t offset = 0;
  uint32_t partition = 0;
  uint64_t number = 0;  ///< ordered_bits
  std::string_view text;
};

struct CountedNumber {
  using Key = uint64_t;
  uint64_t number = 0;
  uint64_t count = 0;
  CountedNumber(Key key, uint64_t times) : number(key), count(times) {}
  [[nodiscard]] Key key() const { return number; }
  void add_count(uint64_t times) { count += times; }
  [[nodiscard]] static size_t heap_bytes() { return 0; }
};

struct TimedNumber {
  using Key = std::pair<uint64_t, uint64_t>;
  static constexpr uint64_t count = 1;
  uint64_t time = 0;  ///< ordered_bits
  uint64_t number = 0;
  TimedNumber(Key key, uint64_t) : time(key.first), number(key.second) {}
  [[nodiscard]] Key key() const { return {time, number}; }
  void add_count(uint64_t) {}
  [[nodiscard]] static size_t heap_bytes() { return 0; }
};

struct CountedText {
  using Key = std::string_view;
  std::string text;
  uint64_t count = 0;
  CountedText(Key key, uint64_t times) : text(key), count(times) {}
  [[nodiscard]] Key key() const { return text; }
  void add_count(uint64_t times) { count += times; }
  [[nodiscard]] size_t heap_bytes() const { return text.size() < sizeof(std::string) / 2 ? 0 : text.size() + 1; }
};

/// Samples in the order of their keys, each key once. The end of the vector waits, in any order, until somebody reads.
template <class Entry>
class SortedSamples {
 public:
  void add(const SampleShape& shape, typename Entry::Key key, uint64_t count);
  /// Of a key that is beyond all others.
  void append(Entry entry);
  [[nodiscard]] const std::vector<Entry>& entries() const {
    if (sorted_ != entries_.size()) settle();
    return entries_;
  }
  [[nodiscard]] size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry) + heap_bytes_; }

 private:
  void add_limited(const SampleShape& shape, typename Entry::Key key, uint64_t count);
  void settle() const;

  mutable std::vector<Entry> entries_;
  mutable size_t sorted_ = 0;
  mutable size_t heap_bytes_ = 0;
};

class SampleSet {
 public:
  explicit SampleSet(const SampleShape& shape);

  void add(const SampleShape& shape, const Sample& sample);
  void merge(const SampleShape& shape, const SampleSet& other);

  [[nodiscard]] bool empty() const;
  /// Beyond the set itself.
  [[nodiscard]] size_t memory_bytes() const;

  /// Each key once, ascending. The set must be of that kind.
  [[nodiscard]] const std::vector<CountedNumber>& numbers() const;
  [[nodiscard]] const std::vector<TimedNumber>& readings() const;
  [[nodiscard]] const std::vector<CountedText>& texts() const;

  void append_to(const SampleShape& shape, std::string& out) const { append_from(0, SIZE_MAX, shape, out); }
  /// The samples from that place on, in their order, until they take `most_bytes`. Gives the place behind them; 0 at the end.
  size_t append_from(size_t place, size_t most_bytes, const SampleShape& shape, std::string& out) const;
  /// Adds what one of these wrote, which must lie behind all that is there. False when the bytes are not that.
  bool read(const SampleShape& shape, ByteReader& reader);

 private:
  std::variant<SortedSamples<CountedNumber>, SortedSamples<TimedNumber>, SortedSamples<CountedText>> samples_;
};

/// The bytes of a placed sample's value, which are a text or a number's big-endian bits.
std::string_view placed_value(std::string_view placed);

}  // namespace meterstream
