// Purpose: a statement engine on a log in memory, for tests. A second engine over the same fixture is a restart.
// Thread-safety: as the engine's.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/embedded_log.h"
#include "log/log_schema_store.h"
#include "server/embedded_query_runtime.h"
#include "server/statement_engine.h"
#include "state/memory_store.h"
#include "stream/table_feed.h"

namespace meterstream {

class EngineFixture : public ::testing::Test {
 protected:
  EngineFixture() { start(); }
  ~EngineFixture() override { stop(); }

  void start() {
    log_ = EmbeddedLog::open(store_, clock_).value();
    schemas_ = std::make_unique<LogSchemaStore>(store_);
    tables_ = std::make_unique<TableFeeds>(*log_, *schemas_);
    EmbeddedQueryRuntime::Options options;
    options.tasks.commit_interval_ms = 20;
    options.threads = 2;
    runtime_ =
        std::make_unique<EmbeddedQueryRuntime>(Runtime{*log_, store_, *schemas_, clock_, tables_.get()}, options);
    auto engine = StatementEngine::open({*log_, *log_, *schemas_, clock_, *runtime_,
                                         [this](const std::string& topic) {
                                           if (!can_delete_) return Status(unavailable("the disk is away"));
                                           tables_->forget(topic);
                                           return log_->delete_topic(topic);
                                         },
                                         [this](const std::string& topic) { return log_->groups_in(topic); }},
                                        engine_options_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = *std::move(engine);
  }
  void stop() {
    engine_.reset();
    runtime_.reset();
    tables_.reset();
    schemas_.reset();
    log_.reset();
  }
  void restart() {
    stop();
    start();
  }

  std::vector<StatementResult> execute(std::string_view text, const StatementProperties& properties = {}) {
    std::vector<StatementResult> results;
    const Status done = engine_->execute(text, properties, results);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return results;
  }
  /// Of the queries that LIST QUERIES tells.
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    const auto results = execute("LIST QUERIES;");
    for (const QueryDescription& query : std::get<StatementResult::Queries>(results.at(0).content).queries)
      ids.push_back(query.id);
    return ids;
  }
  std::string error_of(std::string_view text) {
    std::vector<StatementResult> results;
    const Status done = engine_->execute(text, {}, results);
    return done ? "no error" : done.error().message;
  }
  std::string query_error(std::string_view text) {
    const auto rows = engine_->query(text, {});
    return rows ? "no error" : rows.error().message;
  }

  static std::string text_of(const QueryRow& row) {
    std::string text;
    for (const QueryValue& value : row) {
      if (!text.empty()) text += '|';
      if (std::holds_alternative<std::monostate>(value)) text += "NULL";
      if (const auto* flag = std::get_if<bool>(&value)) text += *flag ? "true" : "false";
      if (const auto* integer = std::get_if<int64_t>(&value)) text += std::to_string(*integer);
      if (const auto* number = std::get_if<double>(&value)) text += fmt::format("{}", *number);
      if (const auto* own = std::get_if<std::string>(&value)) text += *own;
    }
    return text;
  }
  /// All rows of a pull query, sorted.
  std::vector<std::string> rows_of(std::string_view text) {
    auto rows = engine_->query(text, {});
    EXPECT_TRUE(rows) << (rows ? "" : rows.error().message);
    if (!rows) return {};
    std::vector<std::string> texts;
    bool has_more = true;
    while (has_more) {
      std::vector<QueryRow> some;
      const auto next = (*rows)->next(some, 100, std::chrono::milliseconds(1000));
      EXPECT_TRUE(next) << (next ? "" : next.error().message);
      has_more = next && *next;
      for (const QueryRow& row : some) texts.push_back(text_of(row));
    }
    std::ranges::sort(texts);
    return texts;
  }
  /// Asks again until the rows are so, for ten seconds.
  void expect_rows(std::string_view text, const std::vector<std::string>& expected) {
    std::vector<std::string> rows;
    for (int tries = 0; tries < 1000; ++tries) {
      rows = rows_of(text);
      if (rows == expected) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(rows, expected) << text;
  }

  /// Of the next start().
  StatementEngine::Options engine_options_;
  bool can_delete_ = true;
  MemoryStore store_;
  SystemClock clock_;
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<LogSchemaStore> schemas_;
  std::unique_ptr<TableFeeds> tables_;
  std::unique_ptr<EmbeddedQueryRuntime> runtime_;
  std::unique_ptr<StatementEngine> engine_;
};

}  // namespace meterstream
