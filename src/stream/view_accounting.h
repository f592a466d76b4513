// Purpose: where every reading of a view went. The identity must hold at every commit:
//            read = aggregated + filtered + late + duplicate + rejected
//          `filtered` are rows that the view's WHERE left out; it is 0 for a view without WHERE.
// Thread-safety: a value type; the engine owns one a view and partition, and publishes copies.
#pragma once

#include <cstdint>

namespace meterstream {

struct ViewAccounting {
  int64_t read = 0;
  int64_t aggregated = 0;
  int64_t filtered = 0;
  int64_t late = 0;
  int64_t duplicate = 0;
  int64_t rejected = 0;
  /// Of the rejected: same reading, other value.
  int64_t conflicts = 0;
  /// Readings whose time was too far ahead to move the watermark; they are aggregated or late like others.
  int64_t capped_ahead = 0;
  /// Rows whose argument, group or condition became NULL by overflow or division by zero, and results whose calculation or
  /// HAVING did.
  int64_t faults = 0;
  /// Results written (windows closed, or refinements with EMIT CHANGES), without those that HAVING left out.
  int64_t results = 0;

  [[nodiscard]] bool balanced() const { return read == aggregated + filtered + late + duplicate + rejected; }
  ViewAccounting& operator+=(const ViewAccounting& other) {
    read += other.read;
    aggregated += other.aggregated;
    filtered += other.filtered;
    late += other.late;
    duplicate += other.duplicate;
    rejected += other.rejected;
    conflicts += other.conflicts;
    capped_ahead += other.capped_ahead;
    faults += other.faults;
    results += other.results;
    return *this;
  }
  bool operator==(const ViewAccounting&) const = default;
};

}  // namespace meterstream
