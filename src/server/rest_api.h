// Purpose: ksqlDB's REST API over a StatementService: the handler of an HttpServer. docs/server.md has its endpoints.
// Thread-safety: handle() and refusal() from any thread; they do not wait. Statements and pull queries have a few threads of their own,
//                /healthcheck has one, each push query has one.
// Ownership: the service must outlive it, and it the HttpServer. stop() comes before the server's: streams are cut, which clients notice.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "http/http_responder.h"
#include "server/query_response.h"
#include "server/statement_service.h"
#include "server/worker_pool.h"

namespace meterstream {

struct RestApiOptions {
  std::string version = "0.1.0";
  std::string service_id = "meterstream";
  /// As /clusterStatus names this server.
  std::string host_and_port = "localhost:8088";
  /// One of both is asked for when either is set: "Authorization: Bearer ..." or "Basic ..." of user:password. /healthcheck is free.
  std::string bearer_token;
  std::string basic_login;
  /// Requests must come for a name of this machine (localhost, 127.0.0.1, ::1): a page in a browser that got this address under
  /// another name reads nothing.
  bool loopback_names_only = false;
  size_t workers = 4;
  /// Statements and pull queries that wait for a worker.
  size_t queue_limit = 1000;
  size_t push_query_limit = 1000;
  /// With the readers of pull queries and of acknowledgements, who hold a worker.
  ReaderPatience patience;
};

class RestApi {
 public:
  RestApi(StatementService& service, RestApiOptions options);
  ~RestApi();
  RestApi(const RestApi&) = delete;
  RestApi& operator=(const RestApi&) = delete;

  void handle(const HttpRequest& request, HttpResponder responder);
  /// What a request is refused with by its head alone: where it comes from and who sends it. handle() asks this itself; an
  /// HttpHeadCheck spares the body.
  [[nodiscard]] std::optional<HttpResponse> refusal(const HttpRequest& request) const;
  /// Ends all queries and waits for their threads.
  void stop();

 private:
  struct PushQuery {
    std::shared_ptr<QueryRows> rows;
    std::atomic<bool> has_ended = false;
    std::thread thread;
  };

  void get(const HttpRequest& request, HttpResponder responder);
  void post(const HttpRequest& request, HttpResponder responder);
  /// Runs `work(responder)` on a worker of `pool`.
  void submit(WorkerPool& pool, HttpResponder responder, void (RestApi::*work)(HttpResponder));

  void info(HttpResponder responder);
  void health(HttpResponder responder);
  void cluster_status(HttpResponder responder);
  void status(const HttpRequest& request, HttpResponder responder);
  void is_valid_property(HttpResponder responder);
  void execute(HttpResponder responder);
  void query(HttpResponder responder);
  void close_query(HttpResponder responder);
  void insert(HttpResponder responder);
  void push(std::shared_ptr<QueryRows> rows, HttpResponder responder);
  void run_push(PushQuery& query, RowsForm form, HttpResponder responder);
  void forget_ended();

  StatementService& service_;
  const RestApiOptions options_;
  std::atomic<bool> stopping_ = false;
  std::mutex push_mutex_;
  std::list<PushQuery> push_queries_;
  WorkerPool workers_;
  /// Whoever watches the server hears of it also while readers hold all workers.
  WorkerPool health_worker_;
};

}  // namespace meterstream
