// Purpose: turns embedded sinks into tasks, one for each partition of their topic.
// Errors: kInvalid for a type or bucket that does not exist; kConflict when the sink's table has another bucket; those
//         of the log and the store.
#pragma once

#include <memory>
#include <vector>

#include "stream/view_deployment.h"

namespace meterstream {

/// Creates missing topics with `default_partitions`.
Result<std::vector<std::unique_ptr<Task>>> deploy_sinks(const std::vector<SinkSpec>& sinks, Runtime runtime,
                                                        const PassTaskOptions& options, int32_t default_partitions);

}  // namespace meterstream
