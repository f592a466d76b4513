// What LIST, DESCRIBE and EXPLAIN tell.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "server/statement_engine.h"
#include "sql/aggregate_binder.h"
#include "sql/expression_binder.h"

namespace meterstream {
namespace {

using What = ast::ListObjects::What;

}  // namespace

QueryDescription StatementEngine::describe(const CatalogQuery& query,
                                           const std::map<std::string, QueryHealth>& health) const {
  QueryDescription described;
  described.id = query.id;
  described.statement = query.statement;
  described.sink = query.fills;
  described.topic = query.topic;
  if (query.is_paused) {
    described.state = QueryDescription::State::kPaused;
    return described;
  }
  const auto own = health.find(query.runtime_name());
  if (own == health.end()) {
    described.error = "it is not deployed";
  } else {
    described.error = own->second.error;
  }
  if (!described.error.empty()) described.state = QueryDescription::State::kError;
  return described;
}

SourceDescription StatementEngine::describe(const StatementCatalog& catalog, const CatalogSource& source,
                                            bool extended) {
  SourceDescription described;
  described.name = source.name.text;
  described.statement = source.statement;
  described.topic = source.topic;
  described.timestamp_column = source.timestamp_column;
  described.partitions = source.partitions;
  described.key_format = "KAFKA";
  described.readers = catalog.readers_of(source);
  if (source.rows != nullptr) {
    const QuerySource& rows = *source.rows;
    described.is_table = rows.is_table;
    described.is_windowed = rows.is_windowed;
    described.value_format = name_of(rows.format);
    for (size_t index = 0; index < rows.columns.size(); ++index) {
      const bool is_key =
          rows.key_column == index || std::ranges::find(rows.group_columns, index) != rows.group_columns.end();
      described.columns.push_back({rows.columns[index].name, std::string(name_of(rows.columns[index].type)), is_key});
    }
  }
  if (const auto topic = around_.log.describe_topic(source.topic)) {
    described.partitions = topic->config.partitions;
    int64_t records = 0;
    for (const OffsetRange& range : topic->partitions) records += range.end.value - range.begin.value;
    if (extended) described.statistics.emplace_back("records in the topic", std::to_string(records));
  }
  const CatalogQuery* query = catalog.query_of(source);
  if (query == nullptr) return described;
  described.query_id = query->id;
  if (!extended) return described;
  const std::map<std::string, QueryHealth> all = around_.runtime.health();
  const auto health = all.find(query->runtime_name());
  if (health == all.end()) return described;
  const ViewAccounting& counts = health->second.accounting;
  for (const auto& [name, count] : {std::pair{"read", counts.read}, std::pair{"aggregated", counts.aggregated},
                                    std::pair{"filtered", counts.filtered}, std::pair{"late", counts.late},
                                    std::pair{"duplicate", counts.duplicate}, std::pair{"rejected", counts.rejected},
                                    std::pair{"results", counts.results}, std::pair{"lag", health->second.lag}}) {
    described.statistics.emplace_back(name, std::to_string(count));
  }
  return described;
}

StatementResult::Sources StatementEngine::list_sources(bool tables, bool extended) {
  const auto catalog = this->catalog();
  StatementResult::Sources sources{tables, {}};
  const auto kind = tables ? ast::DropSource::Kind::kTable : ast::DropSource::Kind::kStream;
  for (const CatalogSource& source : catalog->sources()) {
    if (source.kind == kind) sources.sources.push_back(describe(*catalog, source, extended));
  }
  return sources;
}

StatementResult::Queries StatementEngine::list_queries() {
  StatementResult::Queries queries;
  const std::map<std::string, QueryHealth> health = around_.runtime.health();
  const auto catalog = this->catalog();
  for (const CatalogQuery& query : catalog->queries()) queries.queries.push_back(describe(query, health));
  const std::scoped_lock lock(state_mutex_);
  std::ranges::copy(broken_, std::back_inserter(queries.queries));
  for (const auto& query : running_) {
    const auto running = query.lock();
    if (running == nullptr || running->is_closed) continue;
    QueryDescription described;
    described.id = running->id;
    described.statement = running->statement;
    queries.queries.push_back(std::move(described));
  }
  return queries;
}

Result<StatementResult::Topics> StatementEngine::list_topics() {
  StatementResult::Topics topics;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, around_.log.topics());
  for (const std::string& name : names) {
    if (name.starts_with("_")) continue;
    ASSIGN_OR_RETURN(const TopicDescription topic, around_.log.describe_topic(name));
    topics.topics.push_back({name, topic.config.partitions});
  }
  return topics;
}

Result<StatementEngine::Content> StatementEngine::answer(const ast::ListObjects& list,
                                                         const StatementProperties& session) {
  switch (list.what) {
    case What::kStreams:
    case What::kTables:
      return Content(list_sources(list.what == What::kTables, list.extended));
    case What::kTopics: {
      ASSIGN_OR_RETURN(StatementResult::Topics topics, list_topics());
      return Content(std::move(topics));
    }
    case What::kQueries:
      return Content(list_queries());
    case What::kVariables:
      return Content(StatementResult::Properties{session.variables});
    case What::kProperties: {
      StatementResult::Properties properties{options_.properties};
      properties.values.try_emplace("auto.offset.reset", "latest");
      for (const auto& [name, value] : session.properties) properties.values[name] = value;
      return Content(std::move(properties));
    }
    case What::kFunctions: {
      std::set<std::string> names;
      for (const std::string_view name : scalar_function_names()) names.emplace(name);
      for (const std::string_view name : aggregate_function_names()) names.emplace(name);
      return Content(StatementResult::Functions{{names.begin(), names.end()}});
    }
  }
  return invalid("this cannot be listed");
}

Result<StatementEngine::Content> StatementEngine::answer(const ast::Describe& asked, const SourceText& text) {
  const auto catalog = this->catalog();
  ASSIGN_OR_RETURN(const CatalogSource* source, catalog->need(asked.name, text));
  return Content(describe(*catalog, *source, asked.extended));
}

Result<StatementEngine::Content> StatementEngine::answer(const ast::ExplainQuery& asked, const SourceText& text) {
  StatementResult::Explained explained;
  if (asked.query && is_transient(*asked.query)) {
    ASSIGN_OR_RETURN(TransientPlan plan, plan_of(*asked.query, text));
    explained.text = std::move(plan.text);
    return Content(std::move(explained));
  }
  if (asked.query) {
    ASSIGN_OR_RETURN(const BoundQuery bound, bind(*asked.query, text));
    explained.text = to_text(bound);
    return Content(std::move(explained));
  }
  const auto catalog = this->catalog();
  const CatalogQuery* query = catalog->query(asked.target.text);
  const CatalogSource* source =
      query != nullptr ? catalog->find({query->fills, true, {}}) : catalog->find(asked.target);
  if (source == nullptr) return catalog->need(asked.target, text).error();
  const bool is_insertion = query != nullptr && query->explanation != nullptr;
  const Explanation* found = is_insertion ? query->explanation.get() : source->explanation.get();
  if (found == nullptr) {
    return text.error_at(asked.target.position.offset,
                         fmt::format("{} is not computed; EXPLAIN takes what is made AS SELECT", source->name.text));
  }
  const Explanation& explanation = *found;
  explained.text = to_text(explanation);
  const CatalogQuery* own = is_insertion ? query : catalog->query_of(*source);
  if (own != nullptr) explained.query = describe(*own, around_.runtime.health());
  return Content(std::move(explained));
}

}  // namespace meterstream
