// Purpose: a statement engine in this process with everything that it stands on: a data directory, or a Kafka cluster.
// Guarantee: as StatementService; ending it commits what runs.
// Thread-safety: opening and closing belong to one thread. Ownership: `context` must outlive it.
// Errors: as DataDirectory::open says, or of Kafka; those of the statement log.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apps/command_line.h"
#include "server/statement_service.h"

namespace meterstream {

struct LocalServiceOptions {
  /// Name under which statements, positions and state are kept. Processes of one service share them on Kafka.
  std::string service_id = "meterstream";
  std::optional<int64_t> threads;
};

class LocalService {
 public:
  static Result<std::unique_ptr<LocalService>> open(const CommandContext& context, const LocalServiceOptions& options);
  virtual ~LocalService() = default;
  virtual StatementService& service() = 0;
  /// "data directory meterstream-data" or "Kafka at localhost:9092", for messages.
  [[nodiscard]] virtual std::string place() const = 0;
};

/// Not for commands: the part of LocalService::open that needs the Kafka connector. kInvalid in a build without it.
Result<std::unique_ptr<LocalService>> open_kafka_service(const CommandContext& context,
                                                         const LocalServiceOptions& options);

}  // namespace meterstream
