#include "metering/time_zone.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include <date/tz.h>

namespace meterstream {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int kMostOffsetHours = 18;

using Milliseconds = std::chrono::milliseconds;

// Looking a zone up takes longer than all the rest, and rows mostly name the same one.
const date::time_zone* find_zone(std::string_view name) {
  struct Last {
    std::string name;
    const date::time_zone* zone = nullptr;
  };
  static thread_local Last last;
  if (last.zone != nullptr && last.name == name) return last.zone;
  try {
    const date::time_zone* zone = date::locate_zone(std::string(name));
    last = {std::string(name), zone};
    return zone;
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

/// Of "UTC", "Z" and "+HH:MM".
std::optional<int64_t> fixed_offset_ms(std::string_view name) {
  if (name == "UTC" || name == "Z") return 0;
  const bool has_form = name.size() == 6 && (name[0] == '+' || name[0] == '-') && is_digit(name[1]) &&
                        is_digit(name[2]) && name[3] == ':' && is_digit(name[4]) && is_digit(name[5]);
  if (!has_form) return std::nullopt;
  const int hours = (name[1] - '0') * 10 + name[2] - '0';
  const int minutes = (name[4] - '0') * 10 + name[5] - '0';
  if (hours > kMostOffsetHours || minutes > 59) return std::nullopt;
  const int64_t offset_ms = (hours * 60 + minutes) * kMinuteMs;
  return name[0] == '-' ? -offset_ms : offset_ms;
}

}  // namespace

bool is_time_zone(std::string_view name) {
  return fixed_offset_ms(name).has_value() || find_zone(name) != nullptr;
}

std::optional<int64_t> time_zone_offset_ms(std::string_view name, int64_t utc_ms) {
  if (const auto fixed = fixed_offset_ms(name)) return fixed;
  const date::time_zone* zone = find_zone(name);
  if (zone == nullptr) return std::nullopt;
  const date::sys_time<Milliseconds> moment{Milliseconds(utc_ms)};
  return std::chrono::duration_cast<Milliseconds>(zone->get_info(moment).offset).count();
}

std::optional<int64_t> utc_of_local_ms(std::string_view name, int64_t local_ms) {
  if (const auto fixed = fixed_offset_ms(name)) return local_ms - *fixed;
  const date::time_zone* zone = find_zone(name);
  if (zone == nullptr) return std::nullopt;
  const date::local_info info = zone->get_info(date::local_time<Milliseconds>{Milliseconds(local_ms)});
  // Before the jump and before the second of two hours the first offset holds.
  return local_ms - std::chrono::duration_cast<Milliseconds>(info.first.offset).count();
}

}  // namespace meterstream
