// Purpose: a LatestTable in Redis. Format: docs/formats/redis.md.
// Guarantee: the port's, also among writers of many processes: times are compared inside the server, by a script that takes
//            hundreds of updates at once. What waits for its call is replaced by newer readings of its series.
//            flush() means that the server has it; how durable that is, its settings `appendonly` and `appendfsync` say.
//            With a time to live (or an eviction policy of the server) what was forgotten may come back older.
// Not supported: Redis Cluster and Sentinel, which are refused with a message.
// Thread-safety, errors: see the port. Times must lie in the years 0 to 9999 (kInvalid). After kUnavailable the server is
//                        tried again after a pause that doubles; calls before that fail at once with the same reason.
// Blocking: write() while Options' depth of calls is on its way, flush() and readers for the request time-out after the
//           server's last sign of life. gateways() walks through all keys of the database: for people, not for programs.
// Memory: bounded by some 20,000 series, whatever is written between two flushes.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "connectors/redis/redis_connection.h"
#include "connectors/redis/redis_latest_format.h"
#include "connectors/redis/redis_settings.h"
#include "state/latest_content.h"
#include "state/latest_table.h"

namespace meterstream {

class RedisLatestTable final : public LatestTable {
 public:
  struct Options {
    LatestContent content = LatestContent::kActivityAndValues;
    /// Told once when the server goes away and once when it is back. Leave it out under a SinkTask, which tells itself.
    std::function<void(const std::string& message)> on_trouble;
    /// Of the jitter.
    uint64_t seed = std::random_device()();
  };
  struct Counters {
    int64_t calls = 0;
    /// Times and values that were sent.
    int64_t updates = 0;
    /// Of these, the ones that were newer than what the server had.
    int64_t newer = 0;
    int64_t connects = 0;
  };

  /// Checks the settings; connects with the first call that needs it. `clock` must outlive the table.
  static Result<std::unique_ptr<RedisLatestTable>> make(RedisSettings settings, const Clock& clock, Options options);
  ~RedisLatestTable() override;

  Status write(std::span<const LatestReadingView> readings) override;
  Status flush() override;
  Result<std::optional<int64_t>> activity(std::string_view gateway) override;
  Result<std::vector<LatestReading>> values(std::string_view gateway) override;
  Result<std::vector<std::string>> gateways(std::string_view prefix, size_t limit, const std::string* after) override;

  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct WaitingSeries {
    std::string metric_type;
    std::string metric_attribute;
    int64_t timestamp_ms = 0;
    double value = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct WaitingGateway {
    int64_t latest_ms = 0;
    std::vector<WaitingSeries> series;
  };
  struct GatewaySeries {
    std::string_view gateway;
    std::span<const WaitingSeries> series;
  };
  /// A call of a script while it is made up: its keys, and its other arguments.
  struct Call {
    explicit Call(const std::string& ttl_s);
    std::string keys;
    std::string arguments;
    size_t key_count = 0;
    size_t argument_count = 1;
    size_t updates = 0;
  };
  /// A command without answer. Kept, since a server that has forgotten its scripts must get it again.
  struct InFlight {
    std::string command;
    std::string_view script;
    bool is_load = false;
    int attempts = 1;
  };
  struct Script {
    std::string_view text;
    std::string hash;
  };

  RedisLatestTable(RedisSettings settings, const Clock& clock, Options options);
  void collect(const LatestReadingView& reading);
  Status send_waiting();
  Status send_times();
  Status send_values();
  Status add_group(Call& call, std::string_view fields, std::span<const GatewaySeries> gateways);
  Status send_call(const Script& script, Call& call);
  Status send(InFlight flight);
  Status take_answer();
  Status take_error(InFlight flight, const std::string& text);
  Status drain(size_t left);
  Result<std::string> load(std::string_view script);
  Status connect();
  Result<RedisReply> ask(std::initializer_list<std::string_view> arguments);
  Result<RedisReply> ask(std::span<const std::string_view> arguments);
  Status add_active(const std::vector<std::string>& keys, std::set<std::string>& gateways);
  Error fail(Error error);
  void note_success();
  int64_t pause_ms();
  [[nodiscard]] Error misfit(const RedisReply& reply) const;

  const RedisSettings settings_;
  const Clock& clock_;
  const Options options_;
  const RedisLatestFormat format_;
  const std::string ttl_s_;
  Script activity_script_;
  Script values_script_;
  std::unique_ptr<RedisConnection> writing_;
  /// Readers have a connection of their own: nothing is on its way there.
  std::unique_ptr<RedisConnection> reading_;
  std::unordered_map<std::string, WaitingGateway, Hash, std::equal_to<>> waiting_;
  size_t waiting_series_ = 0;
  std::deque<InFlight> in_flight_;
  std::mt19937_64 random_;
  int64_t used_at_ns_ = 0;
  int64_t retry_at_ns_ = 0;
  int failures_ = 0;
  /// Why there is no connection, until an update has gone through.
  std::optional<Error> trouble_;
  bool is_told_ = false;
  Counters counters_;
};

}  // namespace meterstream
