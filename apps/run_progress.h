// Purpose: the progress line of a running program: records, lag, watermark, windows written.
// Thread-safety: none; one thread reports.
#pragma once

#include <string_view>
#include <vector>

#include "apps/command_line.h"
#include "apps/progress_line.h"
#include "stream/task.h"

namespace meterstream {

class RunProgress {
 public:
  /// `is_bounded`: the run ends at the end of its input, so a share can be told. `context` must outlive it.
  RunProgress(const CommandContext& context, bool is_bounded);

  /// `remark` stands at the end of the line.
  void update(const std::vector<TaskStatus>& tasks, std::string_view remark = {});
  void finish() { line_.finish(); }

 private:
  ProgressLine line_;
  bool is_bounded_;
  bool is_narrow_;
};

}  // namespace meterstream
