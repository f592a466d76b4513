// Purpose: runs a compiled SQL program on a Kafka cluster: joins the consumer groups of its passes with a worker a thread,
//          and fills the embedded tables of this data directory from the topics of its sinks.
// Guarantee: exactly once. Any number of processes with the same application id share the work; each needs a data directory
//            of its own, which holds mirrors of state and the tables. Ctrl-C commits and leaves the group.
// Thread-safety: none; one run at a time. Blocks until the end of a bounded run, or the stop signal.
#pragma once

#include "apps/program_run.h"

namespace meterstream {

class Backbone;

/// `backbone` is Kafka's. The summary counts the partitions that this process holds at the end.
Result<ProgramSummary> run_program_on_kafka(const Program& program, Backbone& backbone, const CommandContext& context,
                                            const ProgramRunOptions& options, const std::atomic<bool>& stop);

}  // namespace meterstream
