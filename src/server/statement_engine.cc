#include "server/statement_engine.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "server/session_settings.h"
#include "sql/insert_query_binder.h"
#include "sql/parser.h"
#include "stream/table_feed.h"

namespace meterstream {
namespace {

constexpr std::string_view kFile = "sql";
constexpr auto kLookAgain = std::chrono::milliseconds(5);
constexpr auto kFollowEvery = std::chrono::milliseconds(200);

/// Also of a query that has ended. A program with the same name has other names behind it.
bool is_own_group(std::string_view group, std::string_view service_id) {
  if (!group.starts_with(service_id)) return false;
  group.remove_prefix(service_id.size());
  constexpr std::string_view kQueries[] = {".CTAS_", ".CSAS_", ".INSERTQUERY_", ".sink.SINK_"};
  return std::ranges::any_of(kQueries, [&](std::string_view query) { return group.starts_with(query); });
}

Status set_property(const ast::SetProperty& set, const SourceText& text, StatementProperties& session) {
  const auto error = [&](std::string_view message) { return text.error_at(set.position.offset, message); };
  if (setting_name(set.name) != kOffsetReset) {
    return error(
        fmt::format("there is no setting {} of a session; there is '{}'. Others are given when the program starts",
                    shown(set.name), kOffsetReset));
  }
  if (!set.value) {
    session.properties.erase(set.name);
    return {};
  }
  if (!equals_ignoring_case(*set.value, "earliest") && !equals_ignoring_case(*set.value, "latest"))
    return error(fmt::format("'{}' is 'earliest' or 'latest'", kOffsetReset));
  session.properties[set.name] = *set.value;
  return {};
}

}  // namespace

StatementEngine::StatementEngine(Surroundings around, Options options, StatementLog log)
    : around_(around),
      options_(std::move(options)),
      inserter_(around.log, around.schemas, around.clock),
      tables_(around.log, around.follower, around.schemas, options_.most_rows),
      transients_({around.log, around.follower, around.schemas, around.clock},
                  {.rows = options_.shared_rows, .most_state_bytes = options_.most_query_bytes}),
      log_(std::move(log)),
      catalog_(std::make_shared<StatementCatalog>(options_.stream_defaults)) {}

Result<std::unique_ptr<StatementEngine>> StatementEngine::open(Surroundings around, Options options) {
  ASSIGN_OR_RETURN(StatementLog log,
                   StatementLog::open(around.log, fmt::format("_meterstream-{}-statements", options.service_id)));
  std::unique_ptr<StatementEngine> engine(new StatementEngine(around, std::move(options), std::move(log)));
  RETURN_IF_ERROR(engine->restore());
  if (engine->options_.shares_log) engine->follower_ = std::thread([running = engine.get()] { running->follow(); });
  return engine;
}

StatementEngine::~StatementEngine() {
  {
    const std::scoped_lock lock(state_mutex_);
    stopping_ = true;
    for (const auto& query : running_) {
      if (const auto running = query.lock()) running->is_closed = true;
    }
  }
  stop_.notify_all();
  if (follower_.joinable()) follower_.join();
  around_.runtime.stop();
}

std::shared_ptr<const StatementCatalog> StatementEngine::catalog() const {
  const std::scoped_lock lock(state_mutex_);
  return catalog_;
}

Result<StatementResult::Done> StatementEngine::apply(StatementCatalog& catalog, const StatementLog::Entry& entry) {
  const StatementPart part{entry.statement};
  ASSIGN_OR_RETURN(const ParsedStatement statement, parse_statement(part, kFile));
  const auto* drop = std::get_if<ast::DropSource>(&statement.command);
  const CatalogSource* dropped = drop != nullptr && drop->deletes_topic ? catalog.find(drop->name) : nullptr;
  const std::string topic = dropped == nullptr ? std::string() : dropped->topic;
  auto done = catalog.apply(statement, entry.sequence);
  if (done) {
    // Statements without an id were carried out whole, as no mark tells of their deletions.
    if (dropped != nullptr && !entry.id.empty()) topics_to_delete_[entry.sequence] = topic;
    std::erase_if(topics_to_delete_, [&](const auto& left) { return !catalog.user_of(left.second).empty(); });
    const std::scoped_lock lock(state_mutex_);
    statuses_[done->command_id] = {"SUCCESS", done->message};
  }
  return done;
}

Status StatementEngine::restore() {
  ASSIGN_OR_RETURN(const auto entries, log_.read_on());
  StatementCatalog catalog = *catalog_;
  for (const StatementLog::Entry& entry : entries) {
    const auto done = carry_out(catalog, entry);
    // Of several processes that create a name at the same time the first one has it.
    // A newer program may know less. Everything else goes on.
    if (done && !*done && !options_.shares_log) tell_broken(entry, done->error().message);
  }
  {
    const std::scoped_lock lock(state_mutex_);
    catalog_ = std::make_shared<StatementCatalog>(catalog);
  }
  delete_topics_left();
  // What cannot run is told by its health; everything else goes on.
  static_cast<void>(around_.runtime.change(catalog.program()));
  return {};
}

std::optional<Result<StatementResult::Done>> StatementEngine::carry_out(StatementCatalog& catalog,
                                                                        const StatementLog::Entry& entry) {
  if (!entry.error.empty()) {
    tell_broken(entry, fmt::format("topic {} offset {}: {}", log_.topic(), entry.sequence, entry.error));
    return std::nullopt;
  }
  if (entry.deleted) {
    topics_to_delete_.erase(*entry.deleted);
    return std::nullopt;
  }
  return apply(catalog, entry);
}

void StatementEngine::tell_broken(const StatementLog::Entry& entry, std::string error) {
  QueryDescription query;
  query.id = fmt::format("STATEMENT_{}", entry.sequence);
  query.statement = entry.statement;
  query.topic = log_.topic();
  query.state = QueryDescription::State::kError;
  query.error = std::move(error);
  const std::scoped_lock lock(state_mutex_);
  broken_.push_back(std::move(query));
}

void StatementEngine::follow() {
  std::unique_lock lock(state_mutex_);
  while (!stop_.wait_for(lock, kFollowEvery, [this] { return stopping_; })) {
    lock.unlock();
    {
      const std::scoped_lock execute(execute_mutex_);
      // What fails now is read the next time.
      static_cast<void>(catch_up({}, nullptr));
    }
    lock.lock();
  }
}

Status StatementEngine::catch_up(std::string_view id, std::optional<Result<StatementResult::Done>>* own) {
  ASSIGN_OR_RETURN(const auto entries, log_.read_on());
  if (entries.empty()) return {};
  const std::shared_ptr<const StatementCatalog> before = catalog();
  StatementCatalog after = *before;
  bool has_changed = false;
  for (const StatementLog::Entry& entry : entries) {
    auto done = carry_out(after, entry);
    if (done && *done) has_changed = true;
    if (own != nullptr && entry.id == id) *own = std::move(done);
  }
  // Marks and what cannot be carried out start nothing anew.
  if (!has_changed) return {};
  {
    const std::scoped_lock lock(state_mutex_);
    catalog_ = std::make_shared<StatementCatalog>(after);
  }
  return deploy(*before, after);
}

Status StatementEngine::deploy(const StatementCatalog& before, const StatementCatalog& after) {
  for (const CatalogSource& source : before.sources()) {
    if (after.find({source.name.text, true, {}}) == nullptr) tables_.drop(source.name.text);
  }
  Status changed = around_.runtime.change(after.program());
  for (const CatalogQuery& query : before.queries()) {
    if (query.view != nullptr && after.query(query.id) == nullptr)
      static_cast<void>(around_.runtime.retire(*query.view));
  }
  return changed;
}

Status StatementEngine::execute(std::string_view text, const StatementProperties& properties,
                                std::vector<StatementResult>& results) {
  const std::scoped_lock lock(execute_mutex_);
  StatementProperties session = properties;
  for (const StatementPart& part : split_statements(text)) {
    ASSIGN_OR_RETURN(const ParsedStatement statement, parse_statement(part, session.text_name, session.variables));
    ASSIGN_OR_RETURN(Content content, carry_out(statement, session));
    results.push_back({std::string(statement.text()), std::move(content)});
  }
  return {};
}

Result<StatementEngine::Content> StatementEngine::carry_out(const ParsedStatement& statement,
                                                            StatementProperties& session) {
  const SourceText text = statement.source();
  if (const auto* control = std::get_if<ast::ControlQuery>(&statement.command)) {
    const bool is_other = !control->id.empty() && catalog()->query(control->id) == nullptr;
    if (is_other && control->action == ast::ControlQuery::Action::kTerminate && close_query(control->id))
      return Content(StatementResult::Done{.message = fmt::format("query {} terminated", control->id)});
  }
  if (StatementCatalog::is_change(statement.command)) return change(statement);
  if (const auto* rows = std::get_if<ast::InsertValues>(&statement.command)) return insert(*rows, text);
  if (const auto* list = std::get_if<ast::ListObjects>(&statement.command)) return answer(*list, session);
  if (const auto* one = std::get_if<ast::Describe>(&statement.command)) return answer(*one, text);
  if (const auto* explain = std::get_if<ast::ExplainQuery>(&statement.command)) return answer(*explain, text);
  if (const auto* set = std::get_if<ast::SetProperty>(&statement.command)) {
    RETURN_IF_ERROR(set_property(*set, text, session));
    return Content(StatementResult::Done{.message = fmt::format("'{}' is {} for the statements that follow", set->name,
                                                                set->value ? sql_string(*set->value) : "its default")});
  }
  if (const auto* variable = std::get_if<ast::DefineVariable>(&statement.command)) {
    if (variable->value) {
      session.variables[variable->name] = *variable->value;
    } else {
      session.variables.erase(variable->name);
    }
    return Content(StatementResult::Done{
        .message = fmt::format("variable {} {}", variable->name, variable->value ? "defined" : "undefined")});
  }
  return text.error_at(0, "this is a query, which is asked by itself and gives rows");
}

Result<StatementEngine::Content> StatementEngine::change(const ParsedStatement& statement) {
  RETURN_IF_ERROR(catch_up({}, nullptr));
  const std::shared_ptr<const StatementCatalog> before = catalog();
  // Only what works comes into the log, also as it will be read there.
  StatementCatalog trial = *before;
  RETURN_IF_ERROR(trial.apply(statement, 0));
  StatementCatalog again = *before;
  ASSIGN_OR_RETURN(const ParsedStatement logged, parse_statement(StatementPart{statement.text()}, kFile));
  RETURN_IF_ERROR(again.apply(logged, 0));
  const auto* drop = std::get_if<ast::DropSource>(&statement.command);
  const CatalogSource* dropped = drop != nullptr && drop->deletes_topic ? before->find(drop->name) : nullptr;
  if (dropped != nullptr) {
    if (const Status may = check_deletion(dropped->topic); !may)
      return statement.source().error_at(drop->name.position.offset, may.error().message);
  }
  ASSIGN_OR_RETURN(const std::string id, log_.append(statement.text()));
  std::optional<Result<StatementResult::Done>> own;
  Status done = catch_up(id, &own);
  if (own && *own && !done) {
    if (dropped != nullptr) {
      done = done.error().within(
          fmt::format("{} is dropped, its topic {} is deleted at the next start", dropped->name.text, dropped->topic));
    }
    const std::scoped_lock lock(state_mutex_);
    statuses_[(*own)->command_id] = {"ERROR", done.error().message};
  }
  RETURN_IF_ERROR(done);
  if (!own)
    return unavailable(
        "the statement is written and not read back yet; LIST STREAMS, TABLES and QUERIES show when it is carried out");
  RETURN_IF_ERROR(*own);
  if (dropped != nullptr) {
    const auto happened = delete_topic_of((*own)->sequence);
    const std::scoped_lock lock(state_mutex_);
    auto& status = statuses_[(*own)->command_id];
    if (!happened) {
      const Error error = happened.error().within(fmt::format(
          "{} is dropped, its topic is not deleted, which is tried again at the next start", dropped->name.text));
      status = {"ERROR", error.message};
      return error;
    }
    (*own)->message += "; " + *happened;
    status = {"SUCCESS", (*own)->message};
  }
  return Content(**std::move(own));
}

Status StatementEngine::check_deletion(const std::string& topic) const {
  // Whatever else allows it: without its own topics the program does not start again.
  if (topic.starts_with("_meterstream-"))
    return invalid(fmt::format("topic {} belongs to this program and is not deleted", topic));
  if (!around_.delete_topic)
    return invalid(fmt::format("topic {} cannot be deleted here; leave DELETE TOPIC out", topic));
  if (!around_.groups_in) return {};
  const auto groups = around_.groups_in(topic);
  // One that nobody has written may not be there.
  if (!groups) return groups.error().code == ErrorCode::kNotFound ? Status() : Status(groups.error());
  for (const std::string& group : *groups) {
    if (is_own_group(group, options_.service_id)) continue;
    return conflict(
        fmt::format("topic {} is read by {}, which is no query of this service; leave DELETE TOPIC out", topic, group));
  }
  return {};
}

/// By the process that carries the statement out, when it runs nothing any more that writes the topic.
Result<std::string> StatementEngine::delete_topic_of(int64_t sequence) {
  const auto left = topics_to_delete_.find(sequence);
  if (left == topics_to_delete_.end()) return std::string("its topic is used anew and stays");
  const std::string topic = left->second;
  RETURN_IF_ERROR(check_deletion(topic));
  const Status deleted = around_.delete_topic(topic);
  if (!deleted && deleted.error().code != ErrorCode::kNotFound) return deleted.error();
  // A topic that others make anew under this name is not that of the DROP.
  RETURN_IF_ERROR(log_.append_deleted(sequence));
  topics_to_delete_.erase(sequence);
  return deleted ? fmt::format("topic {} deleted", topic) : fmt::format("there was no topic {} to delete", topic);
}

void StatementEngine::delete_topics_left() {
  const std::map<int64_t, std::string> left = topics_to_delete_;
  for (const auto& [sequence, topic] : left) {
    if (const auto deleted = delete_topic_of(sequence); !deleted) {
      tell_broken({.sequence = sequence},
                  fmt::format("topic {} is dropped and not deleted, which is tried again at the next start: {}", topic,
                              deleted.error().message));
    }
  }
}

Result<StatementEngine::Content> StatementEngine::insert(const ast::InsertValues& values, const SourceText& text) {
  const auto catalog = this->catalog();
  ASSIGN_OR_RETURN(const CatalogSource* source, catalog->need(values.target, text));
  if (source->stream == nullptr && source->table == nullptr) {
    return text.error_at(values.target.position.offset,
                         fmt::format("{} {} {}", name_of(source->kind), source->name.text,
                                     source->rows == nullptr ? "takes no rows; they go into the topic that it reads"
                                                             : "is computed; rows go into what it is computed from"));
  }
  RETURN_IF_ERROR(check_writable(values.target, text, catalog->names()));
  ASSIGN_OR_RETURN(
      std::vector<InsertedRow> rows,
      bind_rows(values, fmt::format("{} {}", name_of(source->kind), source->name.text), source->rows->columns, text));
  const size_t count = rows.size();
  RETURN_IF_ERROR(inserter_.insert(*source, std::move(rows)));
  RETURN_IF_ERROR(tables_.catch_up(source->topic));
  return Content(StatementResult::Done{
      .message = fmt::format("{} row{} written into {}", count, count == 1 ? "" : "s", source->name.text)});
}

Status StatementEngine::insert(std::string_view name, const std::vector<std::map<std::string, QueryValue>>& rows) {
  const auto catalog = this->catalog();
  const CatalogSource* source = catalog->find({std::string(name), false, {}});
  if (source == nullptr || source->rows == nullptr)
    return not_found(fmt::format("there is no stream or table {}", name));
  RETURN_IF_ERROR(inserter_.insert(*source, rows));
  return tables_.catch_up(source->topic);
}

std::shared_ptr<RunningQuery> StatementEngine::register_query(std::string_view kind, std::string_view statement) {
  auto running = std::make_shared<RunningQuery>();
  const std::scoped_lock lock(state_mutex_);
  running->id = fmt::format("{}_{}", kind, ++queries_);
  running->statement = statement;
  std::erase_if(running_, [](const auto& query) { return query.expired(); });
  running_.push_back(running);
  return running;
}

Status StatementEngine::create_topic(const std::string& name) {
  const auto catalog = this->catalog();
  const CatalogSource* source = catalog->find({name, true, {}});
  if (source == nullptr) return {};
  const auto made = source->table != nullptr ? create_table_topic(*source->table, around_.log)
                                             : around_.log.create_topic({source->topic, source->partitions});
  RETURN_IF_ERROR(made);
  return {};
}

Status StatementEngine::close_query(std::string_view id) {
  const std::scoped_lock lock(state_mutex_);
  for (const auto& query : running_) {
    const auto running = query.lock();
    if (running == nullptr || !equals_ignoring_case(running->id, id)) continue;
    running->is_closed = true;
    return {};
  }
  return not_found(fmt::format("there is no query {} that runs", id));
}

std::optional<std::pair<std::string, std::string>> StatementEngine::status(std::string_view command_id) {
  const std::scoped_lock lock(state_mutex_);
  const auto found = statuses_.find(command_id);
  if (found == statuses_.end()) return std::nullopt;
  return found->second;
}

Result<int64_t> StatementEngine::await_queries(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  // One query reads what another writes, and they are asked in no order: as often as there are queries in a row.
  for (size_t idle = 0; idle <= catalog()->queries().size(); ++idle) {
    ASSIGN_OR_RETURN(const int64_t behind, around_.runtime.records_behind());
    if (behind == 0) continue;
    if (std::chrono::steady_clock::now() >= deadline) return behind;
    std::this_thread::sleep_for(kLookAgain);
    idle = 0;
  }
  return 0;
}

bool StatementEngine::is_healthy() {
  {
    const std::scoped_lock lock(state_mutex_);
    if (!broken_.empty()) return false;
  }
  const std::map<std::string, QueryHealth> health = around_.runtime.health();
  const auto catalog = this->catalog();
  return std::ranges::all_of(catalog->queries(), [&](const CatalogQuery& query) {
    if (query.is_paused) return true;
    const auto own = health.find(query.runtime_name());
    return own != health.end() && own->second.error.empty();
  });
}

}  // namespace meterstream
