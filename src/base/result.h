// Purpose: how the world's failures travel. A bug is CHECK (check.h); bad data is a value (metering/rejected.h).
// Thread-safety: values, no shared state.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace meterstream {

/// What the caller can do about an error, not where it came from.
enum class ErrorCode {
  kInvalid,      ///< The request is wrong; the same call fails again. Correct it.
  kNotFound,     ///< The named thing does not exist.
  kConflict,     ///< It exists already, is in use, or has another definition.
  kUnavailable,  ///< The world is away or full for now; the same call may succeed later (retry).
  kCorrupt,      ///< Stored bytes are not what was written; restore or remove them.
  kCancelled,    ///< Somebody asked to stop.
  kOutOfRange,   ///< A position that the log no longer, or not yet, holds.
};

/// "invalid", "not found", ... for messages and JSON.
std::string_view name_of(ErrorCode code);

/// A failure with a message for people: what happened, where, and what to do next.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string message;

  /// The same error with "`context`: " before its message.
  [[nodiscard]] Error within(std::string_view context) const;
};

/// A value or an Error. Ignoring one does not compile.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
  using Base = std::expected<T, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(std::unexpected(std::move(error))) {}
};

/// An operation that has no value to give.
using Status = Result<void>;

inline Error invalid(std::string message) {
  return {ErrorCode::kInvalid, std::move(message)};
}
inline Error not_found(std::string message) {
  return {ErrorCode::kNotFound, std::move(message)};
}
inline Error conflict(std::string message) {
  return {ErrorCode::kConflict, std::move(message)};
}
inline Error unavailable(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}
inline Error corrupt(std::string message) {
  return {ErrorCode::kCorrupt, std::move(message)};
}
inline Error cancelled(std::string message) {
  return {ErrorCode::kCancelled, std::move(message)};
}
inline Error out_of_range(std::string message) {
  return {ErrorCode::kOutOfRange, std::move(message)};
}

}  // namespace meterstream

#define METERSTREAM_CONCAT_INNER(a, b) a##b
#define METERSTREAM_CONCAT(a, b) METERSTREAM_CONCAT_INNER(a, b)

/// Returns the error of `expression` (a Result of any type) from the calling function.
#define RETURN_IF_ERROR(expression)                                                 \
  do {                                                                              \
    if (auto&& status_ = (expression); !status_) return std::move(status_).error(); \
  } while (false)

/// Declares or assigns `target` from the value of `expression`, or returns its error.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(METERSTREAM_CONCAT(result_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_INNER(temporary, target, expression) \
  auto temporary = (expression);                              \
  if (!temporary) return std::move(temporary).error();        \
  target = *std::move(temporary)
