#include "apps/store_sinks.h"

namespace meterstream {

Result<std::unique_ptr<AggregateStore>> cassandra_store(const CassandraSettings& /*settings*/, const Clock& /*clock*/) {
  return invalid("this build has no connector for Cassandra; configure it with -DMETERSTREAM_CASSANDRA=ON");
}

}  // namespace meterstream
