#include "apps/store_sinks.h"

namespace meterstream {

Result<std::unique_ptr<SinkWriter>> redis_sink_writer(const SinkSpec& sink, const SinkSurroundings& /*around*/) {
  return invalid("sink " + sink.name +
                 ": this build has no connector for Redis; configure it with -DMETERSTREAM_REDIS=ON");
}

}  // namespace meterstream
