#include "connectors/registry/registry_client.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "base/check.h"
#include "metering/json_encoder.h"

namespace meterstream {
namespace {

using Json = simdjson::dom::element;
using JsonArray = simdjson::dom::array;

constexpr int kNoSubject = 40401;
constexpr int kNoVersion = 40402;
constexpr int kNoSchema = 40403;
constexpr int kNoLevel = 40408;
constexpr int kBadSchema = 42201;
constexpr int kBadLevel = 42203;

bool is_worth_another_try(int status) {
  return status >= 500 || status == 408 || status == 429;
}

std::string schema_body(std::string_view schema) {
  std::string body = R"({"schemaType":"AVRO","schema":)";
  append_json_string(body, schema);
  body += '}';
  return body;
}

// What people need of a body that is not the registry's: a proxy's page, for example.
std::string first_words(std::string_view text) {
  constexpr size_t kWordsBytes = 200;
  std::string words(text.substr(0, kWordsBytes));
  std::replace_if(words.begin(), words.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return words;
}

/// A body read as JSON. The element points into the parser, which therefore must stay where it is.
struct Document {
  std::unique_ptr<simdjson::dom::parser> parser = std::make_unique<simdjson::dom::parser>();
  Json root;

  static Result<Document> parse(std::string_view body, std::string_view url) {
    Document document;
    if (document.parser->parse(body.data(), body.size(), true).get(document.root)) {
      return unavailable(
          fmt::format("{}: the answer is not JSON (\"{}\"). Check that [registry] url names a schema "
                      "registry; Apicurio's ends in /apis/ccompat/v7",
                      url, first_words(body)));
    }
    return document;
  }
  template <class T>
  [[nodiscard]] Result<T> get(const char* key, std::string_view url) const {
    T value;
    if (root[key].get(value)) {
      return unavailable(
          fmt::format("{}: the answer has no \"{}\". Check that [registry] url names a schema registry", url, key));
    }
    return value;
  }
};

std::vector<std::string> texts_of(const JsonArray& array) {
  std::vector<std::string> texts;
  texts.reserve(array.size());
  for (const Json element : array) {
    std::string_view text;
    if (!element.get(text)) texts.emplace_back(text);
  }
  return texts;
}

Result<SchemaId> schema_id_in(std::string_view body, std::string_view url) {
  ASSIGN_OR_RETURN(const Document document, Document::parse(body, url));
  ASSIGN_OR_RETURN(const auto id, document.get<int64_t>("id", url));
  return SchemaId(static_cast<int32_t>(id));
}

std::string subject_path(std::string_view subject, std::string_view rest) {
  return fmt::format("/subjects/{}{}", percent_encoded(subject), rest);
}

}  // namespace

RegistryTiming RegistryTiming::real() {
  static const SystemClock clock;
  return {&clock, [](int64_t pause_ms) { std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms)); },
          std::random_device()()};
}

Status check_registry_settings(const RegistrySettings& settings) {
  if (settings.urls.empty()) {
    return invalid("no schema registry is named. Set [registry] url, or schema_id (--schema-id) where there is none");
  }
  for (const std::string& url : settings.urls) {
    const size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
    const size_t host_end = std::min(url.find('/', scheme), url.size());
    // Not quoted: it may hold a password.
    if (std::string_view(url).substr(0, host_end).find('@') != std::string_view::npos) {
      return invalid(
          "a URL of the registry holds a user and password. Put them into [registry] user and password_file");
    }
    if (scheme == 0 || host_end == scheme) {
      return invalid(fmt::format("'{}' is no URL of a registry; one looks like http://localhost:8081", url));
    }
    if (url.find_first_of("?# ") != std::string::npos) {
      return invalid(fmt::format("'{}' is no base URL of a registry: leave out '?', '#' and blanks", url));
    }
  }
  if (settings.user.empty() && !settings.password.empty()) {
    return invalid("[registry] has a password but no user. Set user as well");
  }
  if (settings.certificate_file.empty() != settings.key_file.empty()) {
    return invalid("[registry] certificate_file and key_file belong together. Set both or none");
  }
  return {};
}

RegistryClient::RegistryClient(RegistrySettings settings, RegistryTiming timing)
    : settings_(std::move(settings)), timing_(std::move(timing)), http_(settings_), random_(timing_.seed) {
  CHECK(!settings_.urls.empty());
  for (std::string& url : settings_.urls) {
    while (url.ends_with('/')) url.pop_back();
  }
}

int64_t RegistryClient::pause_ms(int attempt) {
  constexpr int kMaxDoublings = 20;
  const int64_t longest =
      std::min(settings_.longest_pause_ms, settings_.first_pause_ms << std::min(attempt, kMaxDoublings));
  const std::scoped_lock lock(random_mutex_);
  // Between half of it and all, so that many processes do not come back at the same moment.
  return longest / 2 + static_cast<int64_t>(random_() % static_cast<uint64_t>(longest - longest / 2 + 1));
}

Result<RegistryClient::Reply> RegistryClient::try_every_node(std::string_view method, std::string_view path,
                                                             std::string_view body) {
  std::vector<std::string> failures;
  const size_t first = node_;
  for (size_t i = 0; i < settings_.urls.size(); ++i) {
    const size_t node = (first + i) % settings_.urls.size();
    HttpCall request{std::string(method), settings_.urls[node] + std::string(path), std::string(body)};
    auto response = http_.send(request);
    if (response && !is_worth_another_try(response->status)) {
      node_ = node;
      Reply reply;
      reply.status = response->status;
      reply.url = std::move(request.url);
      simdjson::dom::parser parser;
      Json json;
      if (reply.status >= 300 && !parser.parse(response->body).get(json)) {
        int64_t code = 0;
        std::string_view message;
        if (!json["error_code"].get(code)) reply.error_code = static_cast<int>(code);
        if (!json["message"].get(message)) reply.message = message;
      }
      reply.body = std::move(response->body);
      return reply;
    }
    failures.push_back(response
                           ? fmt::format("{}: HTTP {}: {}", request.url, response->status, first_words(response->body))
                           : response.error().message);
  }
  return unavailable(fmt::format("{}", fmt::join(failures, "; ")));
}

Result<RegistryClient::Reply> RegistryClient::exchange(std::string_view method, std::string_view path,
                                                       std::string_view body) {
  const int64_t started_ns = timing_.clock->monotonic_ns();
  for (int attempt = 0;; ++attempt) {
    auto reply = try_every_node(method, path, body);
    if (reply) return reply;
    const int64_t pause = pause_ms(attempt);
    const int64_t waited_ms = (timing_.clock->monotonic_ns() - started_ns) / 1'000'000;
    if (waited_ms + pause > settings_.retry_for_ms) {
      return unavailable(
          fmt::format("the schema registry does not answer (tried {} times): {}. Check that it runs and "
                      "that [registry] url and its TLS files are right",
                      attempt + 1, reply.error().message));
    }
    timing_.sleep(pause);
  }
}

// Every answer that is not a success and not a value of its own.
Error RegistryClient::refusal(const Reply& reply, std::string_view what) const {
  const std::string where = fmt::format("{}: {}", reply.url, what);
  const std::string said = reply.message.empty() ? first_words(reply.body) : reply.message;
  switch (reply.status) {
    case 401:
    case 403:
      return invalid(fmt::format("{}: the registry refuses {} (HTTP {}). Check [registry] user and password", where,
                                 settings_.user.empty() ? "requests without a user" : "user " + settings_.user,
                                 reply.status));
    case 409:
      return conflict(
          fmt::format("{}: incompatible with what is registered: {}. Give new fields a default and keep the "
                      "old ones, register under another subject, or change the subject's compatibility level",
                      where, said));
    default:
      break;
  }
  if (reply.error_code == kNoSubject || reply.error_code == kNoVersion || reply.error_code == kNoSchema ||
      reply.error_code == kNoLevel) {
    return not_found(fmt::format("{}: {}", where, said));
  }
  if (reply.error_code == kBadSchema) {
    return invalid(
        fmt::format("{}: the registry takes this for no valid Avro schema: {}. Correct the schema", where, said));
  }
  return invalid(
      fmt::format("{}: HTTP {}: {}. Check that [registry] url is the base of a registry's API; Apicurio's ends "
                  "in /apis/ccompat/v7",
                  where, reply.status, said));
}

Result<std::string> RegistryClient::schema(SchemaId id) {
  ASSIGN_OR_RETURN(const Reply reply, exchange("GET", fmt::format("/schemas/ids/{}", id), {}));
  const std::string what = fmt::format("schema {}", id);
  if (reply.status != 200) {
    Error error = refusal(reply, what);
    if (reply.error_code == kNoSchema) return error;
    return unavailable(std::move(error.message));
  }
  ASSIGN_OR_RETURN(const Document document, Document::parse(reply.body, reply.url));
  std::string_view type;
  if (!document.root["schemaType"].get(type) && type != "AVRO") {
    return invalid(fmt::format("{}: {} is of type {}; only Avro schemas are read", reply.url, what, type));
  }
  JsonArray references;
  if (!document.root["references"].get(references) && references.size() > 0) {
    return invalid(
        fmt::format("{}: {} refers to other schemas, which is not supported. Register it with the types that it "
                    "refers to written out",
                    reply.url, what));
  }
  ASSIGN_OR_RETURN(const auto text, document.get<std::string_view>("schema", reply.url));
  return std::string(text);
}

Result<SchemaId> RegistryClient::register_schema(std::string_view subject, std::string_view schema) {
  ASSIGN_OR_RETURN(const Reply reply, exchange("POST", subject_path(subject, "/versions"), schema_body(schema)));
  if (reply.status != 200) return refusal(reply, fmt::format("registering a schema under {}", subject));
  return schema_id_in(reply.body, reply.url);
}

Result<SchemaId> RegistryClient::find_schema(std::string_view subject, std::string_view schema) {
  ASSIGN_OR_RETURN(const Reply reply, exchange("POST", subject_path(subject, ""), schema_body(schema)));
  if (reply.status != 200) return refusal(reply, fmt::format("looking for a schema under {}", subject));
  return schema_id_in(reply.body, reply.url);
}

Result<std::vector<std::string>> RegistryClient::subjects() {
  ASSIGN_OR_RETURN(const Reply reply, exchange("GET", "/subjects", {}));
  if (reply.status != 200) return refusal(reply, "subjects");
  ASSIGN_OR_RETURN(const Document document, Document::parse(reply.body, reply.url));
  JsonArray subjects;
  if (document.root.get(subjects)) {
    return unavailable(
        fmt::format("{}: the answer is no list. Check that [registry] url names a schema registry", reply.url));
  }
  return texts_of(subjects);
}

Result<RegistryClient::Compatibility> RegistryClient::check_compatibility(std::string_view subject,
                                                                          std::string_view schema) {
  const std::string path =
      fmt::format("/compatibility/subjects/{}/versions/latest?verbose=true", percent_encoded(subject));
  ASSIGN_OR_RETURN(const Reply reply, exchange("POST", path, schema_body(schema)));
  if (reply.error_code == kNoSubject || reply.error_code == kNoVersion) return Compatibility{true, {}};
  if (reply.status != 200) return refusal(reply, fmt::format("checking a schema against {}", subject));
  ASSIGN_OR_RETURN(const Document document, Document::parse(reply.body, reply.url));
  ASSIGN_OR_RETURN(const bool is_compatible, document.get<bool>("is_compatible", reply.url));
  Compatibility result{is_compatible, {}};
  JsonArray messages;
  if (!document.root["messages"].get(messages)) result.messages = texts_of(messages);
  return result;
}

Result<std::string> RegistryClient::compatibility_level(std::string_view subject) {
  if (!subject.empty()) {
    ASSIGN_OR_RETURN(const Reply reply, exchange("GET", "/config/" + percent_encoded(subject), {}));
    if (reply.status == 200) {
      ASSIGN_OR_RETURN(const Document document, Document::parse(reply.body, reply.url));
      ASSIGN_OR_RETURN(const auto level, document.get<std::string_view>("compatibilityLevel", reply.url));
      return std::string(level);
    }
    // It has none of its own: that of all subjects holds.
    if (reply.error_code != kNoSubject && reply.error_code != kNoLevel) {
      return refusal(reply, fmt::format("compatibility level of {}", subject));
    }
  }
  ASSIGN_OR_RETURN(const Reply reply, exchange("GET", "/config", {}));
  if (reply.status != 200) return refusal(reply, "compatibility level");
  ASSIGN_OR_RETURN(const Document document, Document::parse(reply.body, reply.url));
  ASSIGN_OR_RETURN(const auto level, document.get<std::string_view>("compatibilityLevel", reply.url));
  return std::string(level);
}

Status RegistryClient::set_compatibility_level(std::string_view subject, std::string_view level) {
  std::string body = R"({"compatibility":)";
  append_json_string(body, level);
  body += '}';
  const std::string path = subject.empty() ? "/config" : "/config/" + percent_encoded(subject);
  ASSIGN_OR_RETURN(const Reply reply, exchange("PUT", path, body));
  if (reply.status == 200) return {};
  if (reply.error_code == kBadLevel || reply.status == 422) {
    return invalid(
        fmt::format("{}: '{}' is no compatibility level. There are NONE, BACKWARD, FORWARD, FULL and each of "
                    "the last three with _TRANSITIVE",
                    reply.url, level));
  }
  return refusal(reply, fmt::format("setting the compatibility level of {}", subject.empty() ? "all" : subject));
}

}  // namespace meterstream
