#include "sql/window_binder.h"

#include <string_view>

#include <fmt/format.h>

#include "metering/time_zone.h"
#include "sql/option_reader.h"

namespace meterstream {
namespace {

/// ksqlDB's default; a view that should close its windows sooner says GRACE PERIOD.
constexpr int64_t kDefaultGraceMs = 86'400'000;
constexpr int64_t kDayMs = 86'400'000;
/// That a reading may lie in.
constexpr int64_t kMostWindows = 50'000;

class WindowBinder {
 public:
  WindowBinder(const ast::CreateTable& table, const SourceText& source, WindowAggregate& window)
      : table_(table), source_(source), window_(window) {}

  Status bind() {
    RETURN_IF_ERROR(check_bounds());
    if (!table_.window) return bind_no_window();
    const ast::Window& syntax = *table_.window;
    window_.is_session = syntax.kind == ast::Window::Kind::kSession;
    ASSIGN_OR_RETURN(window_.size_ms, length(syntax.size, size_name(), 1));
    if (syntax.zone) RETURN_IF_ERROR(bind_zone(*syntax.zone));
    if (syntax.advance) RETURN_IF_ERROR(bind_advance(*syntax.advance));
    window_.grace_ms = kDefaultGraceMs;
    if (syntax.grace) {
      ASSIGN_OR_RETURN(window_.grace_ms, length(*syntax.grace, "grace period", 0));
    }
    return syntax.retention ? bind_retention(*syntax.retention) : Status();
  }

 private:
  [[nodiscard]] Error error(ast::Position position, std::string_view message) const {
    return source_.error_at(position.offset, message);
  }

  [[nodiscard]] std::string_view size_name() const { return window_.is_session ? "session's gap" : "window's size"; }

  /// Without one of its ends a beginning would be followed by another beginning.
  [[nodiscard]] Status check_bounds() const {
    if (table_.emit != ast::Emit::kBounds) return {};
    if (!table_.window || table_.window->kind != ast::Window::Kind::kSession)
      return error(table_.source.position, "EMIT BOUNDS is for sessions: WINDOW SESSION (...) after the source");
    if (!table_.having) return {};
    return error(table_.having->position,
                 "HAVING would leave out beginnings or ends of sessions; the WHERE of a stream over this topic may");
  }

  Status bind_no_window() {
    if (table_.emit == ast::Emit::kFinal) {
      return error(table_.source.position,
                   "a table without a window is never final; leave EMIT FINAL out, or add WINDOW TUMBLING (SIZE ...)");
    }
    window_.size_ms = kUnboundedWindowMs;
    return {};
  }

  [[nodiscard]] Result<int64_t> length(const ast::TimeLength& given, std::string_view what, int64_t least) const {
    const auto length_ms = milliseconds_of(given);
    if (!length_ms) return error(given.position, fmt::format("the {} is longer than 100 years", what));
    if (*length_ms < least) {
      return error(given.position, fmt::format("the {} must be {}", what, least > 0 ? "above 0" : "0 or more"));
    }
    return *length_ms;
  }

  Status bind_zone(const ast::TimeZone& zone) {
    if (!is_time_zone(zone.name)) {
      return error(zone.position,
                   fmt::format("unknown time zone '{}'; it has a name like 'Europe/Athens', or is an offset "
                               "like '+02:00'",
                               zone.name));
    }
    if (window_.size_ms % kDayMs != 0)
      return error(table_.window->size.position, "windows with a TIMEZONE are whole days: SIZE 1 DAY");
    // The same windows as without.
    if (zone.name != "UTC" && zone.name != "Z" && zone.name != "+00:00") window_.time_zone = zone.name;
    return {};
  }

  Status bind_advance(const ast::TimeLength& advance) {
    ASSIGN_OR_RETURN(window_.advance_ms, length(advance, "window's advance", 1));
    if (window_.advance_ms > window_.size_ms) {
      return error(advance.position,
                   "windows that advance by more than their size leave readings out; ADVANCE BY at most SIZE");
    }
    if (const int64_t windows = window_.size_ms / window_.advance_ms; windows > kMostWindows) {
      return error(advance.position,
                   fmt::format("each reading would lie in {} windows; advance by more, so that it is at most {}",
                               windows, kMostWindows));
    }
    // Such windows do not overlap.
    if (window_.advance_ms == window_.size_ms) window_.advance_ms = 0;
    return {};
  }

  Status bind_retention(const ast::TimeLength& retention) {
    ASSIGN_OR_RETURN(window_.retention_ms, length(retention, "retention", 1));
    if (*window_.retention_ms >= window_.size_ms + window_.grace_ms) return {};
    return error(retention.position,
                 fmt::format("the retention must cover the {} and its grace period{}", size_name(),
                             table_.window->grace ? "" : " (24 hours unless GRACE PERIOD says otherwise)"));
  }

  const ast::CreateTable& table_;
  const SourceText& source_;
  WindowAggregate& window_;
};

}  // namespace

Status bind_window(const ast::CreateTable& table, const SourceText& source, WindowAggregate& window) {
  return WindowBinder(table, source, window).bind();
}

}  // namespace meterstream
