// Purpose: the passes of an application, written down once in the compacted topic "<application>-passes", so that all its
//          processes, today's and later ones, agree on consumer groups and changelogs.
// Guarantee: writers queue behind each other by fencing, so what was written is never overwritten.
// Thread-safety: free function without state. Blocks on the cluster.
// Errors: those of plan_passes() and of the cluster; kUnavailable when others kept writing at the same time.
// Format: docs/formats/kafka-topics.md.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "connectors/kafka/kafka_topics.h"
#include "stream/pass_catalog.h"

namespace meterstream {

/// Plans the passes of `views` and writes down the new ones.
Result<std::vector<PlannedPass>> register_passes(const std::vector<ViewSpec>& views, std::string_view application,
                                                 const KafkaSettings& settings,
                                                 const std::shared_ptr<KafkaTopics>& topics);

}  // namespace meterstream
