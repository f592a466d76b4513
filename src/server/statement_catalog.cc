#include "server/statement_catalog.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "stream/view_deployment.h"

namespace meterstream {
namespace {

using Kind = ast::DropSource::Kind;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

Error not_found_at(const SourceText& text, ast::Position position, std::string_view message) {
  Error error = text.error_at(position.offset, message);
  error.code = ErrorCode::kNotFound;
  return error;
}

std::vector<std::string> topics_written(const CatalogQuery& query) {
  if (query.view == nullptr) return {query.topic + "-rejected"};
  const ViewSpec& view = *query.view;
  std::vector<std::string> topics = {view.topic};
  if (!view.is_stream() || view.join != nullptr) topics.push_back(view.late_topic());
  topics.push_back(view.source->topic + "-rejected");
  if (view.reads_two()) topics.push_back(second_topic(view) + "-rejected");
  return topics;
}

std::vector<std::string> sources_of(const ast::CreateTable& select, const Catalog& names) {
  std::vector<std::string> reads;
  const auto add = [&](const ast::Identifier& name) {
    if (const Catalog::Entry* entry = names.find(name)) reads.push_back(entry->name.text);
  };
  add(select.source);
  for (const ast::Join& join : select.joins) add(join.source);
  return reads;
}

}  // namespace

std::string_view name_of(Kind kind) {
  return kind == Kind::kStream ? "stream" : kind == Kind::kTable ? "table" : "sink";
}

std::string command_id(Kind kind, std::string_view name, std::string_view action) {
  return fmt::format("{}/{}/{}", name_of(kind), name, action);
}

Kind kind_of(const ast::Statement& definition) {
  if (std::holds_alternative<ast::CreateSink>(definition)) return Kind::kSink;
  if (const auto* table = std::get_if<ast::CreateTable>(&definition))
    return table->is_stream ? Kind::kStream : Kind::kTable;
  return std::get<ast::CreateStream>(definition).is_table ? Kind::kTable : Kind::kStream;
}

bool StatementCatalog::is_change(const ast::Command& command) {
  return std::holds_alternative<ast::CreateSource>(command) || std::holds_alternative<ast::DropSource>(command) ||
         std::holds_alternative<ast::ControlQuery>(command) || std::holds_alternative<ast::InsertQuery>(command);
}

Result<StatementResult::Done> StatementCatalog::apply(const ParsedStatement& statement, int64_t sequence) {
  const SourceText text = statement.source();
  Result<StatementResult::Done> done = invalid("this statement changes nothing");
  // What fails half-way must leave nothing behind.
  StatementCatalog before = *this;
  if (const auto* own = std::get_if<ast::CreateSource>(&statement.command)) {
    done = create(*own, statement, sequence);
  } else if (const auto* gone = std::get_if<ast::DropSource>(&statement.command)) {
    done = drop(*gone, text);
  } else if (const auto* controlled = std::get_if<ast::ControlQuery>(&statement.command)) {
    done = control(*controlled, text);
  } else if (const auto* inserted = std::get_if<ast::InsertQuery>(&statement.command)) {
    done = insert(*inserted, statement, sequence);
  }
  if (!done) {
    *this = std::move(before);
  } else {
    done->sequence = sequence;
  }
  return done;
}

Program StatementCatalog::program() const {
  Program program;
  for (const CatalogQuery& query : queries_) {
    if (query.is_paused) continue;
    if (query.view != nullptr) program.views.push_back(*query.view);
    if (query.sink != nullptr) program.sinks.push_back(*query.sink);
  }
  return program;
}

const CatalogSource* StatementCatalog::find(const ast::Identifier& name) const {
  const Catalog::Entry* entry = names_.find(name);
  if (entry == nullptr) return nullptr;
  const auto found =
      std::ranges::find_if(sources_, [&](const CatalogSource& source) { return source.name.text == entry->name.text; });
  return found == sources_.end() ? nullptr : &*found;
}

Result<const CatalogSource*> StatementCatalog::need(const ast::Identifier& name, const SourceText& text) const {
  if (const CatalogSource* source = find(name)) return source;
  std::vector<std::string> names;
  names.reserve(sources_.size());
  for (const CatalogSource& source : sources_) names.push_back(source.name.text);
  const std::string nearest = nearest_name(name.text, names);
  return not_found_at(text, name.position,
                      fmt::format("there is no stream, table or sink {}; {}", name.text,
                                  nearest.empty() ? "LIST STREAMS and LIST TABLES show those that there are"
                                                  : "did you mean " + nearest + "?"));
}

const CatalogQuery* StatementCatalog::query_of(const CatalogSource& source) const {
  const auto found = std::ranges::find_if(
      queries_, [&](const CatalogQuery& query) { return query.fills == source.name.text && query.insertion.empty(); });
  return found == queries_.end() ? nullptr : &*found;
}

const CatalogQuery* StatementCatalog::query(std::string_view id) const {
  const auto found =
      std::ranges::find_if(queries_, [&](const CatalogQuery& query) { return equals_ignoring_case(query.id, id); });
  return found == queries_.end() ? nullptr : &*found;
}

std::vector<std::string> StatementCatalog::readers_of(const CatalogSource& source) const {
  std::vector<std::string> readers;
  for (const CatalogSource& other : sources_) {
    const bool is_computed = std::ranges::find(other.reads, source.name.text) != other.reads.end();
    const bool is_sink = other.kind == Kind::kSink && source.kind != Kind::kSink && other.topic == source.topic;
    if (is_computed || is_sink) readers.push_back(other.name.text);
  }
  for (const CatalogQuery& query : queries_) {
    if (std::ranges::find(query.reads, source.name.text) != query.reads.end()) readers.push_back(query.id);
  }
  return readers;
}

std::string StatementCatalog::user_of(std::string_view topic, const CatalogSource* except) const {
  for (const CatalogSource& source : sources_) {
    if (&source != except && source.topic == topic)
      return fmt::format("that of {} {}, too", name_of(source.kind), source.name.text);
  }
  const CatalogQuery* own = except == nullptr ? nullptr : query_of(*except);
  for (const CatalogQuery& query : queries_) {
    if (&query == own) continue;
    const std::vector<std::string> written = topics_written(query);
    if (std::ranges::find(written, topic) != written.end()) return fmt::format("written by query {}", query.id);
    const std::vector<std::string> read = query.view != nullptr ? topics_read(*query.view) : std::vector{query.topic};
    if (std::ranges::find(read, topic) != read.end()) return fmt::format("read by query {}", query.id);
  }
  return {};
}

void StatementCatalog::remove(const std::string& name) {
  names_.remove({name, true, {}});
  std::erase_if(queries_, [&](const CatalogQuery& query) { return query.fills == name && query.insertion.empty(); });
  std::erase_if(sources_, [&](const CatalogSource& source) { return source.name.text == name; });
}

Result<std::optional<StatementResult::Done>> StatementCatalog::replace(const ast::CreateSource& create,
                                                                       const SourceText& text) {
  const CatalogSource* old = find(create.name);
  if (old == nullptr) return std::nullopt;
  const Kind kind = kind_of(create.definition);
  const auto error = [&](std::string_view message) { return text.error_at(create.name.position.offset, message); };
  StatementResult::Done done;
  done.command_id = command_id(kind, old->name.text, "create");
  if (create.if_not_exists) {
    done.message = fmt::format("{} {} exists already; nothing is changed", name_of(old->kind), old->name.text);
    return done;
  }
  if (!create.or_replace) return std::nullopt;  // binding tells that the name is used
  const bool has_ended = std::holds_alternative<ast::CreateTable>(old->definition) && query_of(*old) == nullptr;
  if (old->definition == create.definition && has_ended) {
    remove(std::string(old->name.text));
    return std::nullopt;
  }
  if (old->definition == create.definition) {
    done.message = fmt::format("{} {} is so already; it goes on", name_of(kind), old->name.text);
    if (const CatalogQuery* query = query_of(*old)) done.query_id = query->id;
    return done;
  }
  if (old->kind != kind) return error(fmt::format("{} is a {}; drop it first", old->name.text, name_of(old->kind)));
  if (old->rows == nullptr || std::holds_alternative<ast::CreateTable>(old->definition)) {
    return error(fmt::format(
        "{} {} cannot be replaced by another definition: what it has computed so far would not fit. DROP it, and "
        "CREATE it again, which computes it anew from the beginning",
        name_of(kind), old->name.text));
  }
  const std::vector<std::string> readers = readers_of(*old);
  if (!readers.empty()) {
    return error(fmt::format("{} {} cannot be replaced by another definition while it is read by {}", name_of(kind),
                             old->name.text, fmt::join(readers, ", ")));
  }
  if (const std::vector<std::string> writers = insertions_of(*old); !writers.empty()) {
    return error(fmt::format("stream {} cannot be replaced by another definition while it is written by {}",
                             old->name.text, fmt::join(writers, ", ")));
  }
  remove(std::string(old->name.text));
  return std::nullopt;
}

Result<StatementResult::Done> StatementCatalog::create(const ast::CreateSource& create,
                                                       const ParsedStatement& statement, int64_t sequence) {
  ASSIGN_OR_RETURN(const std::optional<StatementResult::Done> known, replace(create, statement.source()));
  if (known) return *known;
  RETURN_IF_ERROR(bind(create, statement, sequence));
  const CatalogSource& made = sources_.back();
  StatementResult::Done done;
  done.command_id = command_id(made.kind, made.name.text, "create");
  done.message = fmt::format("{} {} created", name_of(made.kind), made.name.text);
  if (const CatalogQuery* query = query_of(made)) {
    done.query_id = query->id;
    done.message += fmt::format(", filled by query {}", query->id);
  }
  return done;
}

Status StatementCatalog::bind(const ast::CreateSource& create, const ParsedStatement& statement, int64_t sequence) {
  ast::Script script;
  script.statements.push_back(create.definition);
  CatalogSource made{.name = create.name, .kind = kind_of(create.definition), .definition = create.definition};
  made.statement = statement.text();
  if (const auto* select = std::get_if<ast::CreateTable>(&create.definition)) made.reads = sources_of(*select, names_);
  ASSIGN_OR_RETURN(BoundProgram bound, bind_script(script, statement.source(), names_));
  bound.explained = bound.views;
  Program program = plan_streams(bound);
  std::optional<CatalogQuery> query;
  if (!program.views.empty()) {
    ViewSpec view = std::move(program.views.front());
    made.topic = view.topic;
    made.partitions = view.partitions;
    QuerySource rows = query_source(view, create.name.text, bound.views.front().plan->schema);
    if (const auto stream = names_.stream({create.name.text, true, {}})) {
      rows.timestamp_column = stream->timestamp_column;
      made.timestamp_column = stream->columns[stream->timestamp_column].name;
    }
    made.rows = std::make_shared<QuerySource>(std::move(rows));
    made.explanation = std::make_shared<Explanation>(std::move(program.explanations.front()));
    // Whoever has the name later begins anew.
    const std::string id =
        fmt::format("{}_{}_{}", made.rows->is_table ? "CTAS" : "CSAS", upper(create.name.text), sequence);
    view.name = id;
    query = CatalogQuery{.id = id, .view = std::make_shared<ViewSpec>(std::move(view))};
  } else if (!program.sinks.empty()) {
    made.topic = program.sinks.front().topic;
    SinkSpec sink = std::move(program.sinks.front());
    sink.name = fmt::format("SINK_{}_{}", upper(create.name.text), sequence);
    query = CatalogQuery{.id = sink.name, .sink = std::make_shared<SinkSpec>(std::move(sink))};
  } else if (!program.streams.empty()) {
    made.stream = program.streams.front();
    made.rows = std::make_shared<QuerySource>(query_source(*made.stream));
    made.topic = made.stream->topic;
    made.partitions = made.stream->partitions;
    made.timestamp_column = made.stream->columns[made.stream->timestamp_column].name;
  } else {
    made.table = names_.table({create.name.text, true, {}});
    made.rows = std::make_shared<QuerySource>(query_source(*made.table));
    made.topic = made.table->topic;
    made.partitions = made.table->partitions;
    if (made.table->valid_from_column) made.timestamp_column = made.table->columns[*made.table->valid_from_column].name;
  }
  if (query) {
    query->fills = create.name.text;
    query->statement = made.statement;
    query->topic = made.topic;
    queries_.push_back(*std::move(query));
  }
  sources_.push_back(std::move(made));
  return {};
}

Result<StatementResult::Done> StatementCatalog::insert(const ast::InsertQuery& insert, const ParsedStatement& statement,
                                                       int64_t sequence) {
  ast::Script script;
  script.statements.emplace_back(insert);
  ASSIGN_OR_RETURN(BoundProgram bound, bind_script(script, statement.source(), names_));
  bound.explained = bound.views;
  Program program = plan_streams(bound);
  ViewSpec view = std::move(program.views.front());
  CatalogQuery query{.id = fmt::format("INSERTQUERY_{}", sequence),
                     .fills = names_.find(insert.select.name)->name.text};
  query.statement = statement.text();
  query.topic = view.topic;
  query.insertion = std::exchange(view.name, query.id);
  query.reads = sources_of(insert.select, names_);
  query.explanation = std::make_shared<Explanation>(std::move(program.explanations.front()));
  query.view = std::make_shared<ViewSpec>(std::move(view));
  StatementResult::Done done;
  done.command_id = fmt::format("query/{}/create", query.id);
  done.query_id = query.id;
  done.message = fmt::format("query {} writes into stream {}", query.id, query.fills);
  queries_.push_back(std::move(query));
  return done;
}

std::vector<std::string> StatementCatalog::insertions_of(const CatalogSource& source) const {
  std::vector<std::string> ids;
  for (const CatalogQuery& query : queries_) {
    if (query.fills == source.name.text && !query.insertion.empty()) ids.push_back(query.id);
  }
  return ids;
}

Status StatementCatalog::check_topic_is_its_own(const CatalogSource& source, const ast::DropSource& drop,
                                                const SourceText& text) const {
  const auto error = [&](std::string_view message) { return text.error_at(drop.name.position.offset, message); };
  if (source.kind == Kind::kSink) return error("a sink has no topic of its own; leave DELETE TOPIC out");
  const auto* declared = std::get_if<ast::CreateStream>(&source.definition);
  if (declared != nullptr && declared->is_source) {
    return error(
        fmt::format("{} is a SOURCE, which is only read: its topic {} is not deleted here; leave DELETE TOPIC out",
                    source.name.text, source.topic));
  }
  if (source.topic.starts_with("_meterstream-")) {
    return error(fmt::format("topic {} belongs to this program, which needs it; leave DELETE TOPIC out", source.topic));
  }
  if (const std::string user = user_of(source.topic, &source); !user.empty()) {
    return error(fmt::format("topic {} is {}; end that first, or leave DELETE TOPIC out", source.topic, user));
  }
  return {};
}

Result<StatementResult::Done> StatementCatalog::drop(const ast::DropSource& drop, const SourceText& text) {
  StatementResult::Done done;
  done.command_id = command_id(drop.kind, drop.name.text, "drop");
  const CatalogSource* source = find(drop.name);
  if (source == nullptr && drop.if_exists) {
    done.message = fmt::format("there is no {} {}; nothing is changed", name_of(drop.kind), drop.name.text);
    return done;
  }
  ASSIGN_OR_RETURN(source, need(drop.name, text));
  const auto error = [&](std::string_view message) { return text.error_at(drop.name.position.offset, message); };
  if (source->kind != drop.kind) {
    return error(fmt::format("{} is a {}: DROP {} {}", source->name.text, name_of(source->kind),
                             upper(name_of(source->kind)), source->name.text));
  }
  const std::vector<std::string> readers = readers_of(*source);
  if (!readers.empty()) {
    const bool is_query =
        std::ranges::any_of(readers, [&](const std::string& reader) { return query(reader) != nullptr; });
    return error(fmt::format("{} {} is read by {}; {} what reads it first", name_of(drop.kind), source->name.text,
                             fmt::join(readers, ", "), is_query ? "drop or TERMINATE" : "drop"));
  }
  if (const std::vector<std::string> writers = insertions_of(*source); !writers.empty()) {
    return error(fmt::format("{} {} is written by {}; TERMINATE what writes it first", name_of(drop.kind),
                             source->name.text, fmt::join(writers, ", ")));
  }
  if (drop.deletes_topic) RETURN_IF_ERROR(check_topic_is_its_own(*source, drop, text));
  // Who deletes the topic says so.
  done.message = fmt::format("{} {} dropped", name_of(drop.kind), source->name.text);
  if (!drop.deletes_topic) done.message += fmt::format("; topic {} keeps its records", source->topic);
  if (const CatalogQuery* query = query_of(*source)) {
    done.query_id = query->id;
    done.message += fmt::format(". Query {} ended", query->id);
  }
  remove(std::string(source->name.text));
  return done;
}

Result<StatementResult::Done> StatementCatalog::control(const ast::ControlQuery& control, const SourceText& text) {
  using Action = ast::ControlQuery::Action;
  constexpr std::string_view kDone[] = {"terminated", "paused", "resumed"};
  constexpr std::string_view kNames[] = {"terminate", "pause", "resume"};
  StatementResult::Done done;
  const auto action = static_cast<size_t>(control.action);
  done.command_id = fmt::format("query/{}/{}", control.id.empty() ? "ALL" : control.id, kNames[action]);
  if (!control.id.empty() && query(control.id) == nullptr) {
    std::vector<std::string> ids;
    ids.reserve(queries_.size());
    for (const CatalogQuery& query : queries_) ids.push_back(query.id);
    const std::string nearest = nearest_name(control.id, ids);
    return not_found_at(
        text, control.position,
        fmt::format("there is no query {}; {}", control.id,
                    nearest.empty() ? "LIST QUERIES shows those that there are" : "did you mean " + nearest + "?"));
  }
  const auto is_meant = [&](const CatalogQuery& query) {
    return control.id.empty() || equals_ignoring_case(query.id, control.id);
  };
  const auto count = std::ranges::count_if(queries_, is_meant);
  if (control.action == Action::kTerminate) {
    for (const CatalogQuery& query : queries_) {
      if (is_meant(query)) names_.remove_insertion(query.insertion);
    }
    std::erase_if(queries_, is_meant);
  } else {
    for (CatalogQuery& query : queries_) {
      if (is_meant(query)) query.is_paused = control.action == Action::kPause;
    }
  }
  done.query_id = control.id;
  done.message = control.id.empty() ? fmt::format("{} queries {}", count, kDone[action])
                                    : fmt::format("query {} {}", control.id, kDone[action]);
  return done;
}

}  // namespace meterstream
