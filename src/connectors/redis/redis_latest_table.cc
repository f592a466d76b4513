#include "connectors/redis/redis_latest_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "connectors/redis/redis_activity_script.h"
#include "connectors/redis/redis_command.h"
#include "connectors/redis/redis_refusal.h"
#include "connectors/redis/redis_values_script.h"
#include "metering/timestamp.h"

namespace meterstream {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kMaxWaitingSeries = 20'000;
/// So few are enough to give an idle server work while the others are collected.
constexpr size_t kFirstWaitingSeries = 2'048;
/// A script holds the server up for others: about a millisecond.
constexpr size_t kUpdatesOfCall = 512;
/// Lua's unpack() takes some 8,000.
constexpr size_t kFieldsOfKey = 1'000;
constexpr int kMaxAttempts = 5;
/// Servers and what stands before them close connections on which nothing happens, which then looks like an outage.
constexpr int64_t kMaxIdleMs = 60'000;

std::string glob_of_prefix(std::string_view prefix) {
  std::string glob;
  for (const char byte : prefix) {
    if (std::string_view("\\*?[]").find(byte) != std::string_view::npos) glob += '\\';
    glob += byte;
  }
  return glob + '*';
}

}  // namespace

RedisLatestTable::Call::Call(const std::string& ttl_s) {
  append_redis_argument(arguments, ttl_s);
}

Result<std::unique_ptr<RedisLatestTable>> RedisLatestTable::make(RedisSettings settings, const Clock& clock,
                                                                 Options options) {
  RETURN_IF_ERROR(check_redis_settings(settings));
  return std::unique_ptr<RedisLatestTable>(new RedisLatestTable(std::move(settings), clock, std::move(options)));
}

RedisLatestTable::RedisLatestTable(RedisSettings settings, const Clock& clock, Options options)
    : settings_(std::move(settings)),
      clock_(clock),
      options_(std::move(options)),
      format_(settings_.key_prefix),
      ttl_s_(std::to_string(settings_.ttl_s)),
      activity_script_{kRedisActivityScript, {}},
      values_script_{kRedisValuesScript, {}},
      random_(options_.seed) {}

RedisLatestTable::~RedisLatestTable() = default;

void RedisLatestTable::collect(const LatestReadingView& reading) {
  auto found = waiting_.find(reading.gateway);
  if (found == waiting_.end()) {
    found = waiting_.emplace(reading.gateway, WaitingGateway{reading.timestamp_ms, {}}).first;
    ++waiting_series_;
  }
  WaitingGateway& gateway = found->second;
  gateway.latest_ms = std::max(gateway.latest_ms, reading.timestamp_ms);
  if (!keeps_values(options_.content)) return;
  for (WaitingSeries& series : gateway.series) {
    if (series.metric_attribute != reading.metric_attribute || series.metric_type != reading.metric_type) continue;
    if (series.timestamp_ms < reading.timestamp_ms) {
      series.timestamp_ms = reading.timestamp_ms;
      series.value = reading.value;
    }
    return;
  }
  gateway.series.push_back(
      {std::string(reading.metric_type), std::string(reading.metric_attribute), reading.timestamp_ms, reading.value});
  ++waiting_series_;
}

Status RedisLatestTable::write(std::span<const LatestReadingView> readings) {
  for (const LatestReadingView& reading : readings) {
    if (reading.timestamp_ms < RedisLatestFormat::kFirstTimeMs ||
        reading.timestamp_ms > RedisLatestFormat::kLastTimeMs) {
      return invalid(fmt::format("redis: a reading of gateway '{}' is of {}; only the years 0 to 9999 can be kept",
                                 reading.gateway, format_timestamp(EventTime(reading.timestamp_ms))));
    }
    collect(reading);
    if (waiting_series_ >= (in_flight_.empty() ? kFirstWaitingSeries : kMaxWaitingSeries))
      RETURN_IF_ERROR(send_waiting());
  }
  return {};
}

Status RedisLatestTable::flush() {
  RETURN_IF_ERROR(send_waiting());
  return drain(0);
}

Status RedisLatestTable::send_waiting() {
  if (waiting_.empty()) return {};
  Status sent = connect();
  if (sent && keeps_activity(options_.content)) sent = send_times();
  if (sent && keeps_values(options_.content)) sent = send_values();
  waiting_.clear();
  waiting_series_ = 0;
  return sent;
}

Status RedisLatestTable::send_times() {
  Call call(ttl_s_);
  std::string time;
  for (const auto& [gateway, waiting] : waiting_) {
    append_redis_argument(call.keys, format_.activity_key(gateway));
    time.clear();
    append_timestamp(time, EventTime(waiting.latest_ms));
    append_redis_argument(call.arguments, time);
    ++call.key_count;
    ++call.argument_count;
    if (++call.updates >= kUpdatesOfCall) RETURN_IF_ERROR(send_call(activity_script_, call));
  }
  return send_call(activity_script_, call);
}

// Gateways with the same fields go together, so that the names of these are sent and read once for all of them.
Status RedisLatestTable::send_values() {
  std::unordered_map<std::string, std::vector<GatewaySeries>> groups;
  std::string fields;
  for (auto& [gateway, waiting] : waiting_) {
    std::ranges::sort(waiting.series, {}, [](const WaitingSeries& series) {
      return std::tie(series.metric_type, series.metric_attribute);
    });
    for (size_t first = 0; first < waiting.series.size(); first += kFieldsOfKey) {
      const size_t count = std::min(waiting.series.size() - first, kFieldsOfKey);
      const auto some = std::span<const WaitingSeries>(waiting.series).subspan(first, count);
      fields.clear();
      for (const WaitingSeries& series : some)
        append_redis_argument(fields, RedisLatestFormat::field(series.metric_type, series.metric_attribute));
      groups[fields].push_back({gateway, some});
    }
  }
  Call call(ttl_s_);
  for (const auto& [names, gateways] : groups) RETURN_IF_ERROR(add_group(call, names, gateways));
  return send_call(values_script_, call);
}

/// `fields`: as arguments.
Status RedisLatestTable::add_group(Call& call, std::string_view fields, std::span<const GatewaySeries> gateways) {
  const size_t field_count = gateways.front().series.size();
  while (!gateways.empty()) {
    const size_t room = std::max<size_t>((kUpdatesOfCall - call.updates) / field_count, 1);
    const auto some = gateways.first(std::min(gateways.size(), room));
    append_redis_argument(call.arguments, std::to_string(some.size()));
    append_redis_argument(call.arguments, std::to_string(field_count));
    call.arguments += fields;
    for (const GatewaySeries& one : some) {
      append_redis_argument(call.keys, format_.values_key(one.gateway));
      for (const WaitingSeries& series : one.series)
        append_redis_argument(call.arguments, RedisLatestFormat::value(series.timestamp_ms, series.value));
    }
    call.key_count += some.size();
    call.argument_count += 2 + field_count + some.size() * field_count;
    call.updates += some.size() * field_count;
    if (call.updates >= kUpdatesOfCall) RETURN_IF_ERROR(send_call(values_script_, call));
    gateways = gateways.subspan(some.size());
  }
  return {};
}

/// Sends what was made up, and makes `call` a new one.
Status RedisLatestTable::send_call(const Script& script, Call& call) {
  if (call.updates == 0) return {};
  InFlight flight;
  flight.script = script.text;
  flight.command.reserve(call.keys.size() + call.arguments.size() + 128);
  begin_redis_command(flight.command, 3 + call.key_count + call.argument_count);
  append_redis_argument(flight.command, "EVALSHA");
  append_redis_argument(flight.command, script.hash);
  append_redis_argument(flight.command, std::to_string(call.key_count));
  flight.command += call.keys;
  flight.command += call.arguments;
  ++counters_.calls;
  counters_.updates += static_cast<int64_t>(call.updates);
  call = Call(ttl_s_);
  return send(std::move(flight));
}

Status RedisLatestTable::send(InFlight flight) {
  RETURN_IF_ERROR(drain(static_cast<size_t>(settings_.pipeline_depth) - 1));
  if (Status sent = writing_->send(flight.command); !sent) return fail(std::move(sent).error());
  in_flight_.push_back(std::move(flight));
  return {};
}

Status RedisLatestTable::drain(size_t left) {
  while (in_flight_.size() > left) RETURN_IF_ERROR(take_answer());
  return {};
}

Status RedisLatestTable::take_answer() {
  const Result<RedisReply> reply = writing_->receive();
  if (!reply) return fail(reply.error());
  InFlight flight = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (reply->is_error()) return take_error(std::move(flight), reply->text);
  if (flight.is_load) return {};
  if (reply->kind != RedisReply::Kind::kInteger) return fail(misfit(*reply));
  counters_.newer += reply->integer;
  note_success();
  return {};
}

// SCRIPT FLUSH, or another server behind the same name: it gets the script again, and then the call, whose place in the order
// does not matter.
Status RedisLatestTable::take_error(InFlight flight, const std::string& text) {
  if (redis_error_word(text) != "NOSCRIPT") return fail(redis_refusal(text, settings_));
  if (flight.attempts++ >= kMaxAttempts) {
    return fail(unavailable(
        fmt::format("redis {}: its scripts vanish as fast as they are loaded. Find out who calls SCRIPT FLUSH",
                    redis_address(settings_))));
  }
  InFlight load;
  load.is_load = true;
  append_redis_command(load.command, {"SCRIPT", "LOAD", flight.script});
  for (InFlight* one : {&load, &flight}) {
    if (Status sent = writing_->send(one->command); !sent) return fail(std::move(sent).error());
    in_flight_.push_back(std::move(*one));
  }
  return {};
}

Error RedisLatestTable::misfit(const RedisReply& reply) const {
  const std::string where = fmt::format("redis {}", redis_address(settings_));
  const std::string advice = "Set [redis] key_prefix or db apart from other users of the server, or remove the key";
  if (reply.elements.size() != 3)
    return invalid(fmt::format("{}: a script gave an answer that is none. {}", where, advice));
  const std::string& key = reply.elements[1].text;
  const std::string& held = reply.elements[2].text;
  if (reply.elements[0].text == "type")
    return invalid(
        fmt::format("{}: the key '{}' is there as a {}, which is not Meterstream's. {}", where, key, held, advice));
  return invalid(
      fmt::format("{}: the key '{}' holds '{}', which is no time of a reading. {}", where, key, held, advice));
}

Result<std::string> RedisLatestTable::load(std::string_view script) {
  ASSIGN_OR_RETURN(const RedisReply reply, writing_->call(std::array<std::string_view, 3>{"SCRIPT", "LOAD", script}));
  return reply.text;
}

Status RedisLatestTable::connect() {
  const int64_t idle_ns = clock_.monotonic_ns() - std::exchange(used_at_ns_, clock_.monotonic_ns());
  if (in_flight_.empty() && idle_ns > kMaxIdleMs * kNsPerMs) writing_.reset();
  if (writing_ != nullptr) return {};
  if (trouble_ && clock_.monotonic_ns() < retry_at_ns_) return *trouble_;
  auto opened = RedisConnection::open(settings_);
  if (!opened) return fail(std::move(opened).error());
  ++counters_.connects;
  writing_ = *std::move(opened);
  for (Script* script : {&activity_script_, &values_script_}) {
    auto hash = load(script->text);
    if (!hash) return fail(std::move(hash).error());
    script->hash = *std::move(hash);
  }
  return {};
}

/// Gives the connection up: answers on it would be of calls that count as lost.
Error RedisLatestTable::fail(Error error) {
  writing_.reset();
  reading_.reset();
  in_flight_.clear();
  retry_at_ns_ = clock_.monotonic_ns() + pause_ms() * kNsPerMs;
  ++failures_;
  trouble_ = error;
  if (!is_told_ && options_.on_trouble && error.code == ErrorCode::kUnavailable) {
    is_told_ = true;
    options_.on_trouble(fmt::format("{}; it is tried again", error.message));
  }
  return error;
}

void RedisLatestTable::note_success() {
  if (!trouble_) return;
  trouble_.reset();
  failures_ = 0;
  if (std::exchange(is_told_, false))
    options_.on_trouble(fmt::format("redis {} takes updates again", redis_address(settings_)));
}

int64_t RedisLatestTable::pause_ms() {
  constexpr int kMaxDoublings = 20;
  const int64_t longest =
      std::min(settings_.longest_pause_ms, settings_.first_pause_ms << std::min(failures_, kMaxDoublings));
  // Between half of it and all, so that many processes do not come back at the same moment.
  return longest / 2 + static_cast<int64_t>(random_() % static_cast<uint64_t>(longest - longest / 2 + 1));
}

Result<RedisReply> RedisLatestTable::ask(std::initializer_list<std::string_view> arguments) {
  return ask(std::span(arguments.begin(), arguments.size()));
}

Result<RedisReply> RedisLatestTable::ask(std::span<const std::string_view> arguments) {
  if (reading_ != nullptr) {
    if (auto reply = reading_->call(arguments); reply || reply.error().code != ErrorCode::kUnavailable) return reply;
    // It may have been closed since the last question, which says nothing about the server.
  }
  reading_.reset();
  ASSIGN_OR_RETURN(reading_, RedisConnection::open(settings_));
  auto reply = reading_->call(arguments);
  if (!reply) reading_.reset();
  return reply;
}

Result<std::optional<int64_t>> RedisLatestTable::activity(std::string_view gateway) {
  const std::string key = format_.activity_key(gateway);
  const auto reply = ask({"GET", key});
  if (!reply) return reply.error().within(fmt::format("key '{}'", key));
  if (reply->kind == RedisReply::Kind::kNull) return std::optional<int64_t>();
  const auto time_ms = RedisLatestFormat::parse_time(reply->text);
  if (!time_ms) {
    return corrupt(
        fmt::format("redis {}: the key '{}' holds '{}', which is no time of a reading. Another program wrote it: set "
                    "[redis] key_prefix or db apart from it",
                    redis_address(settings_), key, reply->text.substr(0, 40)));
  }
  return time_ms;
}

Result<std::vector<LatestReading>> RedisLatestTable::values(std::string_view gateway) {
  const std::string key = format_.values_key(gateway);
  const auto reply = ask({"HGETALL", key});
  if (!reply) return reply.error().within(fmt::format("key '{}'", key));
  std::vector<LatestReading> readings;
  for (size_t index = 0; index + 1 < reply->elements.size(); index += 2) {
    const std::string& field = reply->elements[index].text;
    const std::string& value = reply->elements[index + 1].text;
    auto reading = RedisLatestFormat::parse(gateway, field, value);
    if (!reading) {
      return corrupt(
          fmt::format("redis {}: field '{}' of '{}' holds '{}', which is no reading. Another program wrote it: set "
                      "[redis] key_prefix or db apart from it",
                      redis_address(settings_), field, key, value.substr(0, 40)));
    }
    readings.push_back(*std::move(reading));
  }
  std::ranges::sort(readings, [](const LatestReading& a, const LatestReading& b) {
    return std::tie(a.metric_type, a.metric_attribute) < std::tie(b.metric_type, b.metric_attribute);
  });
  return readings;
}

/// Those of `keys` that hold a time: other programs may keep texts in the same database.
Status RedisLatestTable::add_active(const std::vector<std::string>& keys, std::set<std::string>& gateways) {
  if (keys.empty()) return {};
  std::vector<std::string_view> arguments = {"MGET"};
  arguments.insert(arguments.end(), keys.begin(), keys.end());
  ASSIGN_OR_RETURN(const RedisReply times, ask(arguments));
  for (size_t index = 0; index < std::min(keys.size(), times.elements.size()); ++index) {
    if (RedisLatestFormat::parse_time(times.elements[index].text))
      gateways.emplace(format_.parse_key(keys[index])->gateway);
  }
  return {};
}

Result<std::vector<std::string>> RedisLatestTable::gateways(std::string_view prefix, size_t limit,
                                                            const std::string* after) {
  std::set<std::string> found;
  const std::string glob = glob_of_prefix(settings_.key_prefix);
  std::string cursor = "0";
  do {
    ASSIGN_OR_RETURN(const RedisReply page, ask({"SCAN", cursor, "MATCH", glob, "COUNT", "1000"}));
    if (page.elements.size() != 2) {
      return unavailable(fmt::format("redis {}: SCAN gave an answer that is none. Check that this is a Redis server",
                                     redis_address(settings_)));
    }
    cursor = page.elements[0].text;
    std::vector<std::string> active;
    for (const RedisReply& element : page.elements[1].elements) {
      const auto key = format_.parse_key(element.text);
      if (!key || !key->gateway.starts_with(prefix) || (after != nullptr && key->gateway <= *after)) continue;
      if (found.size() == limit && (limit == 0 || key->gateway > *found.rbegin())) continue;
      if (key->has_values)
        found.emplace(key->gateway);
      else
        active.push_back(element.text);
    }
    RETURN_IF_ERROR(add_active(active, found));
    while (found.size() > limit) found.erase(std::prev(found.end()));
  } while (cursor != "0");
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace meterstream
