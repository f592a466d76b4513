// Purpose: the StatementService over a log and a runtime of queries: keeps the catalog and its statement log, and gives queries their rows.
// Guarantee: as StatementService. A statement is checked, then written to the statement log, then carried out; a restart carries out
//            the log again. A crash in between leaves the statement in the log, so that it is carried out at the next start, also the
//            deletion of a topic.
// Thread-safety: as StatementService. Ownership: what `Surroundings` names must outlive it, also the queries' rows.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "log/event_log.h"
#include "metering/schema_store.h"
#include "server/materialized_table.h"
#include "server/query_runtime.h"
#include "server/row_inserter.h"
#include "server/statement_catalog.h"
#include "server/statement_log.h"
#include "server/statement_service.h"
#include "server/topic_rows.h"
#include "server/transient_query.h"

namespace meterstream {

class StatementEngine final : public StatementService {
 public:
  struct Surroundings {
    EventLog& log;
    /// Read by those that follow topics; may answer later that there is nothing new. May be the same as `log`.
    EventLog& follower;
    SchemaStore& schemas;
    const Clock& clock;
    QueryRuntime& runtime;
    /// Where topics can be deleted.
    std::function<Status(const std::string& topic)> delete_topic = {};
    /// Where the log knows them: the groups that have positions in a topic.
    std::function<Result<std::vector<std::string>>(const std::string& topic)> groups_in = {};
  };
  struct Options {
    /// Processes of one service share the statements.
    std::string service_id = "meterstream";
    StreamSpec stream_defaults;
    /// Of a table that is asked by pull queries.
    size_t most_rows = 50'000'000;
    /// Of what a query with joins or groups holds in memory.
    size_t most_query_bytes = size_t{512} << 20;
    /// Of push queries with joins or groups.
    SharedRows::Limits shared_rows = {};
    /// Other processes append statements, too.
    bool shares_log = false;
    /// That LIST PROPERTIES shows.
    std::map<std::string, std::string> properties = {};
  };

  /// Carries out the statement log and starts its queries. A statement that this program cannot carry out, or a query that cannot run,
  /// is told by is_healthy() and LIST QUERIES.
  static Result<std::unique_ptr<StatementEngine>> open(Surroundings around, Options options);
  ~StatementEngine() override;

  Status execute(std::string_view text, const StatementProperties& properties,
                 std::vector<StatementResult>& results) override;
  Result<std::unique_ptr<QueryRows>> query(std::string_view text, const StatementProperties& properties) override;
  Status close_query(std::string_view id) override;
  Status insert(std::string_view source, const std::vector<std::map<std::string, QueryValue>>& rows) override;
  std::optional<std::pair<std::string, std::string>> status(std::string_view command_id) override;
  Result<int64_t> await_queries(std::chrono::milliseconds timeout) override;
  bool is_healthy() override;

  [[nodiscard]] std::shared_ptr<const StatementCatalog> catalog() const;
  /// How many push queries with joins or groups run; equal ones count once.
  [[nodiscard]] size_t transient_queries() const { return transients_.running(); }

 private:
  using Content = decltype(StatementResult::content);

  StatementEngine(Surroundings around, Options options, StatementLog log);
  Status restore();
  void follow();
  Result<Content> carry_out(const ParsedStatement& statement, StatementProperties& session);
  Result<Content> change(const ParsedStatement& statement);
  /// Whether the topic may go when its source does.
  Status check_deletion(const std::string& topic) const;
  /// Of a DROP in the log. Gives what happened.
  Result<std::string> delete_topic_of(int64_t sequence);
  /// Those of DROPs that were not carried out to their end.
  void delete_topics_left();
  /// Carries out what stands in the log. `own` gets the result of the statement with this id.
  Status catch_up(std::string_view id, std::optional<Result<StatementResult::Done>>* own);
  Result<StatementResult::Done> apply(StatementCatalog& catalog, const StatementLog::Entry& entry);
  /// Nothing for what is no statement.
  std::optional<Result<StatementResult::Done>> carry_out(StatementCatalog& catalog, const StatementLog::Entry& entry);
  Status deploy(const StatementCatalog& before, const StatementCatalog& after);
  Result<Content> insert(const ast::InsertValues& insert, const SourceText& text);
  /// Of a stream or table, unless it is there: whoever asks may come before its query.
  Status create_topic(const std::string& name);
  Result<std::unique_ptr<QueryRows>> select(const ast::Query& query, const ParsedStatement& statement,
                                            const StatementProperties& properties);
  Result<std::unique_ptr<QueryRows>> print(const ast::PrintTopic& print, const ParsedStatement& statement);
  static Result<std::vector<std::shared_ptr<const QuerySource>>> sources_of(const StatementCatalog& catalog,
                                                                            const ast::Query& query,
                                                                            const SourceText& text);
  Result<BoundQuery> bind(const ast::Query& query, const SourceText& text) const;
  Result<TransientPlan> plan_of(const ast::Query& query, const SourceText& text) const;
  Result<std::shared_ptr<MaterializedTable>> table_of(const std::shared_ptr<const QuerySource>& source);
  Result<std::unique_ptr<QueryRows>> select_staged(BoundQuery query, const ParsedStatement& statement);
  std::shared_ptr<RunningQuery> register_query(std::string_view kind, std::string_view statement);

  // What statements ask for (statement_answers.cc).
  Result<Content> answer(const ast::ListObjects& list, const StatementProperties& session);
  Result<Content> answer(const ast::Describe& describe, const SourceText& text);
  Result<Content> answer(const ast::ExplainQuery& explain, const SourceText& text);
  StatementResult::Sources list_sources(bool tables, bool extended);
  StatementResult::Queries list_queries();
  Result<StatementResult::Topics> list_topics();
  SourceDescription describe(const StatementCatalog& catalog, const CatalogSource& source, bool extended);
  QueryDescription describe(const CatalogQuery& query, const std::map<std::string, QueryHealth>& health) const;

  Surroundings around_;
  const Options options_;
  RowInserter inserter_;
  MaterializedTables tables_;
  TransientQueries transients_;

  void tell_broken(const StatementLog::Entry& entry, std::string error);

  std::mutex execute_mutex_;  // one statement at a time; of log_ and topics_to_delete_
  StatementLog log_;
  /// Of DROPs whose topics nothing uses since then and that are not marked as deleted, by sequence.
  std::map<int64_t, std::string> topics_to_delete_;

  mutable std::mutex state_mutex_;  // of everything below
  std::shared_ptr<const StatementCatalog> catalog_;
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> statuses_;
  std::vector<QueryDescription> broken_;  // statements of the log that could not be carried out
  std::vector<std::weak_ptr<RunningQuery>> running_;
  int64_t queries_ = 0;
  bool stopping_ = false;
  std::condition_variable stop_;
  std::thread follower_;
};

}  // namespace meterstream
