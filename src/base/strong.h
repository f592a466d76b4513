// Purpose: numbers that cannot be mistaken for one another (an Offset is not a PartitionId).
// A strong type compares, hashes and formats as its number; arithmetic is spelled out with `.value`.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include <fmt/format.h>

namespace meterstream {

template <class Tag, class Number>
struct Strong {
  using NumberType = Number;
  Number value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Number number) : value(number) {}
  constexpr auto operator<=>(const Strong&) const = default;

  template <class H>
  friend H AbslHashValue(H state, const Strong& strong) {
    return H::combine(std::move(state), strong.value);
  }
};

/// Position of a record in a partition; the first record has offset 0.
using Offset = Strong<struct OffsetTag, int64_t>;
/// Number of a partition inside its topic, from 0.
using PartitionId = Strong<struct PartitionTag, int32_t>;
/// Id of a writer schema, as in the Confluent wire format.
using SchemaId = Strong<struct SchemaTag, int32_t>;
/// Milliseconds since 1970-01-01T00:00:00Z at which a reading was taken, by the meter's clock.
using EventTime = Strong<struct EventTimeTag, int64_t>;
/// Milliseconds since 1970-01-01T00:00:00Z at which a record arrived in a log, by the log's clock.
using IngestTime = Strong<struct IngestTimeTag, int64_t>;

}  // namespace meterstream

template <class Tag, class Number>
struct std::hash<meterstream::Strong<Tag, Number>> {
  size_t operator()(const meterstream::Strong<Tag, Number>& strong) const { return std::hash<Number>{}(strong.value); }
};

template <class Tag, class Number>
struct fmt::formatter<meterstream::Strong<Tag, Number>> : fmt::formatter<Number> {
  auto format(const meterstream::Strong<Tag, Number>& strong, fmt::format_context& context) const {
    return fmt::formatter<Number>::format(strong.value, context);
  }
};
