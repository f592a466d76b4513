#include "stream/sample_set.h"

#include <algorithm>
#include <type_traits>

#include "base/check.h"

namespace meterstream {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
// Samples out of order that wait for the next merge: some, and a share of those in order.
constexpr size_t kWaiting = 32;
constexpr size_t kWaitingShare = 8;
constexpr size_t kPlaceBytes = sizeof(uint64_t) + sizeof(uint32_t);

void append_entry(const SampleShape& shape, const CountedNumber& entry, const CountedNumber*, std::string& out) {
  append_little_endian(out, entry.number);
  if (shape.is_counted) append_varint(out, entry.count);
}

void append_entry(const SampleShape&, const TimedNumber& entry, const TimedNumber* before, std::string& out) {
  append_varint(out, entry.time - (before == nullptr ? 0 : before->time));
  append_little_endian(out, entry.number);
}

void append_entry(const SampleShape& shape, const CountedText& entry, const CountedText*, std::string& out) {
  append_sized(out, entry.text);
  if (shape.is_counted) append_varint(out, entry.count);
}

CountedNumber read_entry(const SampleShape& shape, ByteReader& reader, const CountedNumber*) {
  const auto number = reader.little_endian<uint64_t>();
  return {number, shape.is_counted ? reader.varint() : 1};
}

TimedNumber read_entry(const SampleShape&, ByteReader& reader, const TimedNumber* before) {
  const uint64_t time = reader.varint() + (before == nullptr ? 0 : before->time);
  return {{time, reader.little_endian<uint64_t>()}, 1};
}

CountedText read_entry(const SampleShape& shape, ByteReader& reader, const CountedText*) {
  const std::string_view text = reader.sized_bytes();
  return {text, shape.is_counted ? reader.varint() : 1};
}

}  // namespace

uint64_t ordered_bits(int64_t value) {
  return static_cast<uint64_t>(value) ^ kSignBit;
}

uint64_t ordered_bits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

int64_t integer_of(uint64_t bits) {
  return static_cast<int64_t>(bits ^ kSignBit);
}

double double_of(uint64_t bits) {
  return std::bit_cast<double>((bits & kSignBit) != 0 ? bits ^ kSignBit : ~bits);
}

std::string_view placed_value(std::string_view placed) {
  return placed.substr(kPlaceBytes);
}

template <class Entry>
void SortedSamples<Entry>::append(Entry entry) {
  entries_.push_back(std::move(entry));
  heap_bytes_ += entries_.back().heap_bytes();
  ++sorted_;
}

template <class Entry>
void SortedSamples<Entry>::add(const SampleShape& shape, typename Entry::Key key, uint64_t count) {
  if (shape.limit != 0) return add_limited(shape, key, count);
  if (sorted_ == entries_.size() && (entries_.empty() || entries_.back().key() < key)) return append(Entry(key, count));
  const auto end = entries_.begin() + static_cast<ptrdiff_t>(sorted_);
  const auto found = std::ranges::lower_bound(entries_.begin(), end, key, {}, &Entry::key);
  if (found != end && found->key() == key) {
    if (shape.is_counted) found->add_count(count);
    return;
  }
  entries_.emplace_back(key, count);
  heap_bytes_ += entries_.back().heap_bytes();
  if (entries_.size() - sorted_ > kWaiting + sorted_ / kWaitingShare) settle();
}

template <class Entry>
void SortedSamples<Entry>::add_limited(const SampleShape& shape, typename Entry::Key key, uint64_t count) {
  const bool is_full = entries_.size() == shape.limit;
  if (is_full && (shape.keeps_greatest ? key < entries_.front().key() : entries_.back().key() < key)) return;
  auto found = std::ranges::lower_bound(entries_, key, {}, &Entry::key);
  if (found != entries_.end() && found->key() == key) {
    if (shape.is_counted) found->add_count(count);
    return;
  }
  if (!is_full) {
    found = entries_.emplace(found, key, count);
    heap_bytes_ += found->heap_bytes();
  } else {
    // The one that leaves makes room.
    const auto place = shape.keeps_greatest ? std::prev(found) : found;
    const auto leaving = shape.keeps_greatest ? entries_.begin() : std::prev(entries_.end());
    heap_bytes_ -= leaving->heap_bytes();
    if (shape.keeps_greatest) {
      std::move(std::next(leaving), found, leaving);
    } else {
      std::move_backward(found, leaving, entries_.end());
    }
    *place = Entry(key, count);
    heap_bytes_ += place->heap_bytes();
  }
  sorted_ = entries_.size();
}

template <class Entry>
void SortedSamples<Entry>::settle() const {
  const auto middle = entries_.begin() + static_cast<ptrdiff_t>(sorted_);
  std::ranges::sort(middle, entries_.end(), {}, &Entry::key);
  // Repeats of one key become one.
  auto kept = middle;
  for (auto next = std::next(middle); next != entries_.end(); ++next) {
    if (next->key() == kept->key()) {
      kept->add_count(next->count);
      heap_bytes_ -= next->heap_bytes();
    } else if (++kept != next) {
      *kept = std::move(*next);
    }
  }
  entries_.erase(std::next(kept), entries_.end());
  std::ranges::inplace_merge(entries_.begin(), middle, entries_.end(), {}, &Entry::key);
  sorted_ = entries_.size();
}

SampleSet::SampleSet(const SampleShape& shape) {
  switch (shape.kind) {
    case SampleShape::Kind::kNumbers:
      return;
    case SampleShape::Kind::kReadings:
      samples_.emplace<SortedSamples<TimedNumber>>();
      return;
    case SampleShape::Kind::kTexts:
    case SampleShape::Kind::kPlaced:
      samples_.emplace<SortedSamples<CountedText>>();
      return;
  }
}

void SampleSet::add(const SampleShape& shape, const Sample& sample) {
  switch (shape.kind) {
    case SampleShape::Kind::kNumbers:
      std::get<SortedSamples<CountedNumber>>(samples_).add(shape, sample.number, 1);
      return;
    case SampleShape::Kind::kReadings:
      std::get<SortedSamples<TimedNumber>>(samples_).add(shape, {ordered_bits(sample.time_ms), sample.number}, 1);
      return;
    case SampleShape::Kind::kTexts:
      std::get<SortedSamples<CountedText>>(samples_).add(shape, sample.text, 1);
      return;
    case SampleShape::Kind::kPlaced: {
      std::string placed;
      append_big_endian64(placed, static_cast<uint64_t>(sample.offset));
      append_big_endian32(placed, sample.partition);
      if (sample.text.data() != nullptr) {
        placed += sample.text;
      } else {
        append_big_endian64(placed, sample.number);
      }
      std::get<SortedSamples<CountedText>>(samples_).add(shape, placed, 1);
      return;
    }
  }
}

void SampleSet::merge(const SampleShape& shape, const SampleSet& other) {
  std::visit(
      [&](auto& own) {
        const auto& others = std::get<std::decay_t<decltype(own)>>(other.samples_);
        for (const auto& entry : others.entries()) own.add(shape, entry.key(), entry.count);
      },
      samples_);
}

bool SampleSet::empty() const {
  return std::visit([](const auto& own) { return own.entries().empty(); }, samples_);
}

size_t SampleSet::memory_bytes() const {
  return std::visit([](const auto& own) { return own.memory_bytes(); }, samples_);
}

const std::vector<CountedNumber>& SampleSet::numbers() const {
  return std::get<SortedSamples<CountedNumber>>(samples_).entries();
}

const std::vector<TimedNumber>& SampleSet::readings() const {
  return std::get<SortedSamples<TimedNumber>>(samples_).entries();
}

const std::vector<CountedText>& SampleSet::texts() const {
  return std::get<SortedSamples<CountedText>>(samples_).entries();
}

size_t SampleSet::append_from(size_t place, size_t most_bytes, const SampleShape& shape, std::string& out) const {
  return std::visit(
      [&](const auto& own) {
        const auto& entries = own.entries();
        std::string samples;
        size_t next = place;
        for (; next < entries.size() && samples.size() < most_bytes; ++next)
          append_entry(shape, entries[next], next == place ? nullptr : &entries[next - 1], samples);
        append_varint(out, next - place);
        out += samples;
        return next == entries.size() ? 0 : next;
      },
      samples_);
}

bool SampleSet::read(const SampleShape& shape, ByteReader& reader) {
  return std::visit(
      [&](auto& own) {
        const auto& entries = own.entries();
        const uint64_t count = reader.varint();
        if (shape.limit != 0 && entries.size() + count > shape.limit) return false;
        for (uint64_t i = 0; i < count && reader.ok(); ++i) {
          auto entry = read_entry(shape, reader, i == 0 ? nullptr : &entries.back());
          if (!reader.ok() || (!entries.empty() && !(entries.back().key() < entry.key()))) return false;
          own.append(std::move(entry));
        }
        return reader.ok();
      },
      samples_);
}

}  // namespace meterstream
