#include "connectors/cassandra/cassandra_client.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "connectors/cassandra/driver/cassandra_driver.h"

namespace meterstream {
namespace {

CassandraDriverText text_of(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view view_of(CassandraDriverText text) {
  return {text.data, text.size};
}

/// What is the matter with a cluster that may do better later, without what to do.
std::string trouble_of(const CassandraSettings& settings, CassandraDriverCode code, std::string_view reason) {
  const std::string where = fmt::format("Cassandra at {}", settings.hosts);
  if (code == kCassandraDriverFull) return fmt::format("{} has no room for more rows: {}", where, reason);
  if (code == kCassandraDriverReplication)
    return fmt::format("{} has too few nodes for consistency {}: {}", where, settings.consistency, reason);
  return fmt::format("{} does not answer: {}", where, reason);
}

// The driver's error, freed when it is read.
class DriverError {
 public:
  DriverError() = default;
  ~DriverError() { cassandra_driver_free_error(&error_); }
  DriverError(const DriverError&) = delete;
  DriverError& operator=(const DriverError&) = delete;

  CassandraDriverError* out() { return &error_; }
  [[nodiscard]] CassandraDriverCode code() const { return error_.code; }
  [[nodiscard]] std::string_view reason() const { return {error_.message, error_.size}; }
  [[nodiscard]] Error explain(const CassandraSettings& settings) const {
    const std::string_view reason = this->reason();
    const std::string where = fmt::format("Cassandra at {}", settings.hosts);
    switch (error_.code) {
      case kCassandraDriverUnavailable:
        return unavailable(fmt::format("{}; see that its nodes run and that enough of them do for consistency {}",
                                       trouble_of(settings, error_.code, reason), settings.consistency));
      case kCassandraDriverFull:
        return unavailable(fmt::format("{}; make room on the disks of its nodes, or add nodes",
                                       trouble_of(settings, error_.code, reason)));
      case kCassandraDriverReplication:
        return unavailable(trouble_of(settings, error_.code, reason));
      case kCassandraDriverLogin:
        return invalid(
            fmt::format("{} refuses: {}; check user, password and TLS files, and what the user may do in keyspace {}",
                        where, reason, settings.keyspace));
      case kCassandraDriverNotFound:
        return not_found(fmt::format("{}: {}; was the table dropped? Start the sink again: it makes what is missing",
                                     where, reason));
      case kCassandraDriverConflict:
        return conflict(fmt::format("{}: {}", where, reason));
      case kCassandraDriverInvalid:
        break;
    }
    return invalid(fmt::format("{} refuses: {}", where, reason));
  }

 private:
  CassandraDriverError error_{kCassandraDriverInvalid, nullptr, 0};
};

}  // namespace

/// Tells once that requests fail and once that they succeed again, whatever sessions come and go meanwhile.
class CassandraClient::Listener {
 public:
  explicit Listener(CassandraSettings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] bool is_in_trouble() {
    const std::scoped_lock lock(mutex_);
    return is_in_trouble_;
  }
  void tell_trouble(const std::string& message) {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(is_in_trouble_, true) && settings_.on_change) settings_.on_change(message);
  }
  void tell_well() {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(is_in_trouble_, false) && settings_.on_change)
      settings_.on_change(fmt::format("Cassandra at {} answers again", settings_.hosts));
  }
  static void changed(void* context, CassandraDriverCode code, const char* reason, size_t size) {
    auto* self = static_cast<Listener*>(context);
    if (reason == nullptr) return self->tell_well();
    self->tell_trouble(trouble_of(self->settings_, code, std::string_view(reason, size)) + "; trying again");
  }

 private:
  const CassandraSettings settings_;
  std::mutex mutex_;
  bool is_in_trouble_ = false;
};

struct CassandraClient::Session {
  explicit Session(std::shared_ptr<Listener> told) : listener(std::move(told)) {}
  ~Session() { cassandra_driver_close(driver); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::shared_ptr<Listener> listener;
  CassandraDriverSession* driver = nullptr;
};

struct CassandraWriter::State {
  State(std::shared_ptr<void> kept, CassandraDriverWriter* opened, const CassandraSettings& used)
      : session(std::move(kept)), writer(opened), settings(used) {}
  ~State() { cassandra_driver_close_writer(writer); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::shared_ptr<void> session;
  CassandraDriverWriter* writer;
  const CassandraSettings& settings;
};

CassandraWriter::CassandraWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
CassandraWriter::~CassandraWriter() = default;

Status CassandraWriter::submit(std::string_view values, std::span<const uint32_t> batch_rows) {
  DriverError error;
  if (cassandra_driver_submit(state_->writer, text_of(values), batch_rows.data(), batch_rows.size(), error.out()))
    return {};
  return error.explain(state_->settings);
}

Status CassandraWriter::wait() {
  DriverError error;
  if (cassandra_driver_wait(state_->writer, error.out())) return {};
  return error.explain(state_->settings);
}

CassandraClient::CassandraClient(CassandraSettings settings)
    : settings_(std::move(settings)), listener_(std::make_shared<Listener>(settings_)) {}
CassandraClient::~CassandraClient() = default;

Result<std::shared_ptr<CassandraClient::Session>> CassandraClient::open() const {
  RETURN_IF_ERROR(check_cassandra_settings(settings_));
  ASSIGN_OR_RETURN(const std::string password, password_of(settings_, "cassandra"));
  auto session = std::make_shared<Session>(listener_);
  const CassandraDriverOptions options{.hosts = text_of(settings_.hosts),
                                       .port = settings_.port,
                                       .keyspace = text_of(settings_.keyspace),
                                       .local_datacentre = text_of(settings_.local_datacentre),
                                       .user = text_of(settings_.user),
                                       .password = text_of(password),
                                       .tls = static_cast<uint8_t>(settings_.tls ? 1 : 0),
                                       .ca_file = text_of(settings_.ca_file),
                                       .certificate_file = text_of(settings_.certificate_file),
                                       .key_file = text_of(settings_.key_file),
                                       .consistency = text_of(settings_.consistency),
                                       .request_timeout_ms = static_cast<uint64_t>(settings_.request_timeout_ms),
                                       .retry_ms = static_cast<uint64_t>(settings_.retry_for_ms),
                                       .is_in_trouble = static_cast<uint8_t>(listener_->is_in_trouble() ? 1 : 0),
                                       .changed = &Listener::changed,
                                       .context = listener_.get()};
  DriverError error;
  session->driver = cassandra_driver_open(&options, error.out());
  if (session->driver == nullptr) return error.explain(settings_);
  return session;
}

Result<std::shared_ptr<CassandraClient::Session>> CassandraClient::session() {
  const std::scoped_lock lock(opening_);
  if (session_ && cassandra_driver_is_stuck(session_->driver)) session_.reset();
  if (session_) return session_;
  auto opened = open();
  if (!opened) {
    if (opened.error().code == ErrorCode::kUnavailable) listener_->tell_trouble(opened.error().message);
    return std::move(opened).error();
  }
  session_ = *std::move(opened);
  return session_;
}

Status CassandraClient::execute(std::string_view statement) {
  ASSIGN_OR_RETURN(const auto session, this->session());
  const std::scoped_lock lock(changing_schema_);
  DriverError error;
  if (cassandra_driver_execute(session->driver, text_of(statement), error.out())) return {};
  return error.explain(settings_);
}

Status CassandraClient::agree() {
  ASSIGN_OR_RETURN(const auto session, this->session());
  DriverError error;
  if (cassandra_driver_agree(session->driver, error.out())) return {};
  return error.explain(settings_);
}

Result<std::string> CassandraClient::replication_shortage() {
  ASSIGN_OR_RETURN(const auto session, this->session());
  DriverError error;
  if (cassandra_driver_check_replication(session->driver, error.out())) return std::string();
  if (error.code() != kCassandraDriverReplication) return error.explain(settings_);
  return fmt::format("Cassandra at {}: {}", settings_.hosts, error.reason());
}

Result<CassandraClient::Page> CassandraClient::select(std::string_view statement, std::string_view values,
                                                      size_t page_rows, std::string_view paging) {
  return select_from(statement, values, page_rows, paging, false);
}

Result<CassandraClient::Page> CassandraClient::select_schema(std::string_view statement, std::string_view values,
                                                             size_t page_rows, std::string_view paging) {
  return select_from(statement, values, page_rows, paging, true);
}

Result<CassandraClient::Page> CassandraClient::select_from(std::string_view statement, std::string_view values,
                                                           size_t page_rows, std::string_view paging, bool of_schema) {
  ASSIGN_OR_RETURN(const auto session, this->session());
  const auto limit = static_cast<int32_t>(std::min<size_t>(page_rows, std::numeric_limits<int32_t>::max()));
  DriverError error;
  const std::unique_ptr<CassandraDriverRows, decltype(&cassandra_driver_free_rows)> rows(
      cassandra_driver_select(session->driver, text_of(statement), text_of(values), limit, text_of(paging),
                              static_cast<uint8_t>(of_schema ? 1 : 0), error.out()),
      &cassandra_driver_free_rows);
  if (!rows) return error.explain(settings_);
  return Page{cassandra_driver_row_count(rows.get()), std::string(view_of(cassandra_driver_row_values(rows.get()))),
              std::string(view_of(cassandra_driver_paging(rows.get())))};
}

Result<std::unique_ptr<CassandraWriter>> CassandraClient::open_writer(std::string_view statement) {
  ASSIGN_OR_RETURN(const auto session, this->session());
  DriverError error;
  CassandraDriverWriter* writer = cassandra_driver_open_writer(session->driver, text_of(statement),
                                                               static_cast<size_t>(settings_.in_flight), error.out());
  if (writer == nullptr) return error.explain(settings_);
  return std::unique_ptr<CassandraWriter>(
      new CassandraWriter(std::make_unique<CassandraWriter::State>(session, writer, settings_)));
}

}  // namespace meterstream
