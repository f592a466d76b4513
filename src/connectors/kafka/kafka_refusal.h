// Purpose: says why brokers do not let a client in (TLS, login), which librdkafka tells only in its log while it tries again
//          for ever.
// Thread-safety: KafkaRefusals may be used by several threads; the rest are pure functions.
// Guarantee: secrets are in no message. Texts that are not known are no refusal.
// Errors: kInvalid for what the configuration must change; kUnavailable where the broker may also just be going down.
// Source: log lines of librdkafka 2.12 with the facility FAIL.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meterstream {

struct KafkaRefusal {
  Error error;
  /// So long it must last before it is told: another broker may answer, or this one may be in the middle of a restart.
  int64_t patience_ms = 0;
};

/// Nothing for a line that tells another kind of failure. `properties`: the client's, for the name of its user.
std::optional<KafkaRefusal> refusal_in(std::string_view line, const std::map<std::string, std::string>& properties);

/// What one client was refused, until it gets through.
class KafkaRefusals {
 public:
  explicit KafkaRefusals(std::map<std::string, std::string> properties) : properties_(std::move(properties)) {}
  void note(std::string_view line);
  /// The broker has answered: what comes now passes by itself.
  void note_answer();
  /// The first refusal, once it has lasted.
  [[nodiscard]] std::optional<Error> lasting() const;

 private:
  const std::map<std::string, std::string> properties_;
  mutable std::mutex mutex_;
  bool has_answered_ = false;
  std::optional<KafkaRefusal> first_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace meterstream
