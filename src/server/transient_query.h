// Purpose: push queries with groups or joins: a view that the stream engine computes as rows come, for those who ask and as long as they do.
// Rules: its results have no topic and its state is in memory only. Who asks the same while it runs shares it, where both get what each would get
//        alone; they read at their own speed (shared_rows.h).
// Thread-safety: all methods may be called concurrently. Ownership: logs, schemas and clock must outlive it and the rows it gave.
// Errors: those of the log; kUnavailable when its state grows beyond what it may.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "log/event_log.h"
#include "metering/schema_store.h"
#include "server/shared_rows.h"
#include "server/topic_rows.h"
#include "sql/binder.h"
#include "sql/query_binder.h"
#include "stream/view_spec.h"

namespace meterstream {

struct TransientPlan {
  ast::CreateTable select;
  /// What it reads; tells apart what had the same name one after the other.
  std::vector<std::shared_ptr<const QuerySource>> sources;
  ViewSpec view;
  /// All columns of the results.
  BoundQuery output;
  std::string text;  ///< for EXPLAIN
};

/// Whether it is a push query with groups or joins.
bool is_transient(const ast::Query& query);
/// `names` are what the query may read; `sources` as its FROM and JOINs name them.
Result<TransientPlan> plan_transient(const ast::Query& query, const SourceText& text, const Catalog& names,
                                     std::vector<std::shared_ptr<const QuerySource>> sources);

class TransientQuery;

class TransientQueries {
 public:
  struct Surroundings {
    EventLog& log;
    EventLog& follower;
    SchemaStore& schemas;
    const Clock& clock;
  };
  struct Limits {
    SharedRows::Limits rows;
    size_t most_state_bytes = size_t{512} << 20;
  };
  TransientQueries(Surroundings around, Limits limits);
  ~TransientQueries();

  /// Topics that it reads must exist. `from_beginning`: of the streams; joins of tables begin with the rows that there are.
  Result<std::unique_ptr<QueryRows>> rows(TransientPlan plan, bool from_beginning, std::optional<int64_t> limit,
                                          std::shared_ptr<RunningQuery> running);
  /// How many run.
  [[nodiscard]] size_t running() const;

 private:
  const Surroundings around_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<TransientQuery>> queries_;
  int64_t started_ = 0;
};

}  // namespace meterstream
