#include "connectors/kafka/kafka_refusal.h"

#include <array>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr int64_t kShortPatienceMs = 1'000;
constexpr int64_t kLongPatienceMs = 3'000;

struct Rule {
  std::string_view sign;
  ErrorCode code;
  int64_t patience_ms;
  std::string_view meaning;
};

// The first that fits counts.
constexpr std::array kRules{
    Rule{"certificate verify failed", ErrorCode::kInvalid, kShortPatienceMs,
         "TLS: the broker's certificate cannot be trusted: its authority is not in ssl.ca.location, it has expired, or "
         "it is "
         "for another host name; correct ssl.ca.location under [kafka.librdkafka], or the broker's certificate"},
    Rule{"alert bad certificate", ErrorCode::kInvalid, kShortPatienceMs,
         "TLS: the broker wants a certificate of this client; name one that its authority has signed as "
         "ssl.certificate.location and ssl.key.location under [kafka.librdkafka]"},
    Rule{"alert certificate", ErrorCode::kInvalid, kShortPatienceMs,
         "TLS: the broker does not accept this client's certificate, or wants one and got none; see "
         "ssl.certificate.location and ssl.key.location under [kafka.librdkafka]"},
    Rule{"alert unknown ca", ErrorCode::kInvalid, kShortPatienceMs,
         "TLS: the broker does not know the authority of this client's certificate; see ssl.certificate.location under "
         "[kafka.librdkafka]"},
    Rule{"connecting to a PLAINTEXT broker listener", ErrorCode::kUnavailable, kLongPatienceMs,
         "the broker ends each connection at the beginning of TLS; give the address of a listener with TLS, or correct "
         "security.protocol under [kafka.librdkafka]"},
    Rule{"Disconnected: connection", ErrorCode::kUnavailable, kLongPatienceMs,
         "the broker ends each connection at the first request; if its listener has TLS or wants a login, set "
         "security.protocol to SSL, SASL_SSL or SASL_PLAINTEXT under [kafka.librdkafka]"},
    Rule{"SSL handshake failed: error", ErrorCode::kInvalid, kLongPatienceMs,
         "TLS: client and broker do not come to terms; see the settings ssl.* under [kafka.librdkafka]"},
};

// "[thrd:...]: ssl://host:9092/bootstrap: text (after 5ms in state ...)" is about host:9092.
std::string_view address_in(std::string_view line) {
  line.remove_prefix(std::min(line.size(), line.find("]: ") + 3));
  if (const size_t scheme = line.find("://"); scheme < line.find(' ')) line.remove_prefix(scheme + 3);
  return line.substr(0, line.find_first_of("/ "));
}

std::string_view reason_in(std::string_view line) {
  constexpr std::string_view kBegin = "error: ";
  const size_t begin = line.find(kBegin, line.find("SASL "));
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin + kBegin.size());
  return line.substr(0, line.rfind(" (after "));
}

std::string_view value_of(const std::map<std::string, std::string>& properties, const char* name, const char* other) {
  const auto found = properties.find(name);
  if (found != properties.end()) return found->second;
  return other == nullptr ? std::string_view() : value_of(properties, other, nullptr);
}

std::optional<Error> refused_login(std::string_view line, const std::map<std::string, std::string>& properties) {
  const std::string_view mechanism = value_of(properties, "sasl.mechanisms", "sasl.mechanism");
  const std::string_view user = value_of(properties, "sasl.username", nullptr);
  if (line.find("SASL authentication error") != std::string_view::npos) {
    return invalid(
        fmt::format("the broker refuses user '{}' with {} ({}); correct sasl.username and sasl.password under "
                    "[kafka.librdkafka], or give the user this password in the cluster",
                    user, mechanism, reason_in(line)));
  }
  if (line.find("nsupported SASL mechanism") == std::string_view::npos) return std::nullopt;
  constexpr std::string_view kTheirs = "supported mechanisms: ";
  const size_t theirs = line.find(kTheirs);
  std::string_view list = theirs == std::string_view::npos ? "others" : line.substr(theirs + kTheirs.size());
  list = list.substr(0, list.rfind(" (after "));
  return invalid(
      fmt::format("the broker does not take logins with {}, but with {}; correct sasl.mechanisms under "
                  "[kafka.librdkafka]",
                  mechanism, list));
}

}  // namespace

std::optional<KafkaRefusal> refusal_in(std::string_view line, const std::map<std::string, std::string>& properties) {
  const std::string place = fmt::format("Kafka at {}", address_in(line));
  if (const auto login = refused_login(line, properties)) return KafkaRefusal{login->within(place), kShortPatienceMs};
  for (const Rule& rule : kRules) {
    if (line.find(rule.sign) != std::string_view::npos)
      return KafkaRefusal{Error{rule.code, std::string(rule.meaning)}.within(place), rule.patience_ms};
  }
  return std::nullopt;
}

void KafkaRefusals::note(std::string_view line) {
  const std::scoped_lock lock(mutex_);
  if (has_answered_ || first_) return;
  first_ = refusal_in(line, properties_);
  since_ = std::chrono::steady_clock::now();
}

void KafkaRefusals::note_answer() {
  const std::scoped_lock lock(mutex_);
  has_answered_ = true;
  first_.reset();
}

std::optional<Error> KafkaRefusals::lasting() const {
  const std::scoped_lock lock(mutex_);
  if (!first_ || std::chrono::steady_clock::now() - since_ < std::chrono::milliseconds(first_->patience_ms))
    return std::nullopt;
  return first_->error;
}

}  // namespace meterstream
