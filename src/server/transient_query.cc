#include "server/transient_query.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "server/row_evaluation.h"
#include "server/transient_log.h"
#include "sql/expression_binder.h"
#include "sql/query_groups.h"
#include "sql/stream_plan.h"
#include "state/memory_store.h"
#include "stream/reading_decoder.h"
#include "stream/table_feed.h"
#include "stream/task_runner.h"
#include "stream/view_deployment.h"

namespace meterstream {
namespace {

constexpr std::string_view kName = "transient_query";
constexpr int64_t kCommitIntervalMs = 50;
constexpr auto kLookAgain = std::chrono::milliseconds(100);

using Starts = std::map<TopicPartition, Offset>;

Result<Starts> ends_of(const ViewSpec& view, EventLog& log) {
  Starts starts;
  for (const std::string& name : streams_read(view)) {
    ASSIGN_OR_RETURN(const TopicDescription topic, log.describe_topic(name));
    for (int32_t partition = 0; partition < topic.config.partitions; ++partition) {
      const TopicPartition source{name, PartitionId(partition)};
      ASSIGN_OR_RETURN(const OffsetRange range, log.offsets(source));
      starts[source] = range.end;
    }
  }
  return starts;
}

std::set<std::string> set_of(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

/// Each row gives one, whatever came before it.
bool is_stateless(const ViewSpec& view) {
  return view.is_stream() && view.lags.empty() && !view.reads_two();
}

}  // namespace

bool is_transient(const ast::Query& query) {
  return query.select.emit == ast::Emit::kChanges && (!query.select.joins.empty() || is_grouped(query.select));
}

Result<TransientPlan> plan_transient(const ast::Query& query, const SourceText& text, const Catalog& names,
                                     std::vector<std::shared_ptr<const QuerySource>> sources) {
  TransientPlan plan{.select = query.select, .sources = std::move(sources)};
  ast::CreateTable select = query.select;
  select.name = {std::string(kName), true, select.select_position};
  select.is_stream = !is_grouped(select) && !plan.sources.front()->is_table;
  Catalog own = names;
  ast::Script script;
  script.statements.emplace_back(std::move(select));
  ASSIGN_OR_RETURN(BoundProgram bound, bind_script(script, text, own));
  bound.explained = bound.views;
  Program program = plan_streams(bound);
  plan.view = std::move(program.views.front());
  plan.text = fmt::format("Logical plan\n{}\nStream engine\n{}", program.explanations.front().plan,
                          program.explanations.front().operators);
  const std::vector<ColumnSchema>& schema = bound.views.front().plan->schema;
  auto rows = std::make_shared<const QuerySource>(query_source(plan.view, std::string(kName), schema));
  plan.output.source = rows;
  plan.output.row_columns = schema;
  plan.output.columns = schema;
  plan.output.needed.assign(schema.size(), true);
  plan.output.emits_changes = true;
  for (size_t column = 0; column < schema.size(); ++column)
    plan.output.values.push_back(column_expression(column, schema[column].type));
  return plan;
}

/// One that runs, for all who share it.
class TransientQuery {
 public:
  TransientQuery(TransientPlan plan, bool from_beginning, Starts starts, const TransientQueries::Surroundings& around,
                 const TransientQueries::Limits& limits, std::string application)
      : plan_(std::move(plan)),
        from_beginning_(from_beginning),
        starts_(std::move(starts)),
        most_state_bytes_(limits.most_state_bytes),
        application_(std::move(application)),
        around_(around),
        rows_(limits.rows),
        decoder_(make_record_decoder(ValueFormat::kJson, around.schemas,
                                     decode_request(*plan_.output.source, plan_.output.needed))),
        tables_(around.log, around.follower, around.schemas),
        log_(around.log, around.follower, around.clock, set_of(topics_read(plan_.view)), starts_, plan_.view.topic,
             [this](const std::vector<RecordView>& records) { return take(records); }) {}

  ~TransientQuery() {
    if (runner_ != nullptr) runner_->request_stop();
    rows_.wake();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    PassTaskOptions options;
    options.application = application_;
    options.commit_interval_ms = kCommitIntervalMs;
    options.snapshot_share = 0;
    options.durability = Durability::kBuffered;
    options.tables = &tables_;
    ASSIGN_OR_RETURN(
        auto tasks,
        deploy_views({plan_.view}, Runtime{log_, state_, around_.schemas, around_.clock, &tables_}, options));
    TaskRunner::Options each;
    each.on_progress = [this](const std::vector<TaskStatus>& statuses) { look_at(statuses); };
    runner_ = std::make_unique<TaskRunner>(std::move(tasks), std::move(each));
    thread_ = std::thread([this] {
      try {
        Status ran = runner_->run();
        rows_.end(trouble_ ? std::move(ran) : std::move(trouble_));
      } catch (const std::exception& failure) {  // no memory
        rows_.end(unavailable(fmt::format("the query ended: {}; ask again", failure.what())));
      }
    });
    return {};
  }

  [[nodiscard]] bool is_same(const TransientPlan& plan, bool from_beginning) const {
    return from_beginning == from_beginning_ && plan.select == plan_.select && plan.sources == plan_.sources;
  }
  /// Nothing when who comes now would get something else than from a query of its own.
  std::optional<SharedRows::Reader> join(const Starts& now) {
    const bool begins_anywhere = is_stateless(plan_.view) && !from_beginning_;
    if (!begins_anywhere && now != starts_) return std::nullopt;
    return rows_.join(!begins_anywhere);
  }
  [[nodiscard]] SharedRows& rows() { return rows_; }
  [[nodiscard]] const BoundQuery& output() const { return plan_.output; }

 private:
  Result<bool> take(const std::vector<RecordView>& records) {
    std::vector<QueryRow> rows;
    {
      const std::scoped_lock lock(decoding_);
      RETURN_IF_ERROR(decoder_->decode(records, batch_));
      append_rows(plan_.output, batch_, rows);
    }
    return rows_.add(std::move(rows));
  }

  void look_at(const std::vector<TaskStatus>& tasks) {
    int64_t bytes = 0;
    for (const TaskStatus& task : tasks) bytes += task.state_bytes;
    if (static_cast<size_t>(bytes) > most_state_bytes_) {
      trouble_ = unavailable(
          fmt::format("the state of this query takes more than {} MB; CREATE ... AS SELECT keeps such state on disk, "
                      "and a query follows its result",
                      most_state_bytes_ >> 20));
    }
    if (!trouble_ || rows_.readers() == 0) runner_->request_stop();
  }

  const TransientPlan plan_;
  const bool from_beginning_;
  const Starts starts_;
  const size_t most_state_bytes_;
  const std::string application_;
  const TransientQueries::Surroundings around_;
  SharedRows rows_;
  std::mutex decoding_;  // of the two below
  std::unique_ptr<RecordDecoder> decoder_;
  ColumnBatch batch_;
  MemoryStore state_;
  TableFeeds tables_;
  TransientLog log_;
  std::unique_ptr<TaskRunner> runner_;
  Status trouble_;
  std::thread thread_;
};

namespace {

class SharedReader final : public QueryRows {
 public:
  SharedReader(std::shared_ptr<TransientQuery> query, SharedRows::Reader reader, std::optional<int64_t> limit,
               std::shared_ptr<RunningQuery> running)
      : query_(std::move(query)),
        reader_(reader),
        limit_(limit),
        running_(std::move(running)),
        columns_(columns_of(query_->output())) {}
  ~SharedReader() override { query_->rows().leave(reader_); }

  [[nodiscard]] const std::string& id() const override { return running_->id; }
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] bool is_push() const override { return true; }
  void close() override {
    running_->is_closed = true;
    query_->rows().wake();
  }

  Result<bool> next(std::vector<QueryRow>& rows, size_t most, std::chrono::milliseconds timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    if (limit_) most = std::min<size_t>(most, static_cast<size_t>(*limit_ - given_));
    const size_t before = rows.size();
    while (!running_->is_closed) {
      if (limit_ && given_ >= *limit_) return false;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      ASSIGN_OR_RETURN(
          const bool goes_on,
          query_->rows().next(reader_, rows, most, std::clamp(left, std::chrono::milliseconds(0), kLookAgain)));
      given_ += static_cast<int64_t>(rows.size() - before);
      if (!goes_on || (limit_ && given_ >= *limit_)) return false;
      if (rows.size() > before || left <= std::chrono::milliseconds(0)) return true;
    }
    return false;
  }

 private:
  std::shared_ptr<TransientQuery> query_;
  SharedRows::Reader reader_;
  std::optional<int64_t> limit_;
  std::shared_ptr<RunningQuery> running_;
  std::vector<Column> columns_;
  int64_t given_ = 0;
};

}  // namespace

TransientQueries::TransientQueries(Surroundings around, Limits limits) : around_(around), limits_(limits) {}

TransientQueries::~TransientQueries() = default;

size_t TransientQueries::running() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<size_t>(std::ranges::count_if(queries_, [](const auto& query) { return !query.expired(); }));
}

Result<std::unique_ptr<QueryRows>> TransientQueries::rows(TransientPlan plan, bool from_beginning,
                                                          std::optional<int64_t> limit,
                                                          std::shared_ptr<RunningQuery> running) {
  Starts starts;
  if (!from_beginning) {
    ASSIGN_OR_RETURN(starts, ends_of(plan.view, around_.log));
  }
  std::shared_ptr<TransientQuery> query;
  std::optional<SharedRows::Reader> reader;
  std::vector<std::shared_ptr<TransientQuery>> others;  // if they end with us, then without the lock
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(queries_, [](const auto& other) { return other.expired(); });
    for (const auto& other : queries_) {
      auto known = other.lock();
      if (known == nullptr) continue;
      others.push_back(known);
      if (!known->is_same(plan, from_beginning)) continue;
      reader = known->join(starts);
      if (!reader) continue;
      query = std::move(known);
      break;
    }
    if (query == nullptr) {
      query = std::make_shared<TransientQuery>(std::move(plan), from_beginning, std::move(starts), around_, limits_,
                                               fmt::format("transient_{}", ++started_));
      reader = query->rows().join(true);
      RETURN_IF_ERROR(query->start());
      queries_.push_back(query);
    }
  }
  return std::unique_ptr<QueryRows>(
      std::make_unique<SharedReader>(std::move(query), *reader, limit, std::move(running)));
}

}  // namespace meterstream
