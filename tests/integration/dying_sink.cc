// A process with the sinks of a SQL file, wired as in the program, that kills itself at a moment of a test's choice:
//   dying_sink DATA_DIRECTORY SETTINGS_FILE SQL_FILE MOMENT COUNT DELAY_US
// MOMENT is never, before-write, in-write (so long after it began), before-position or after-position; COUNT: at the so-manyth time.
// It ends with 0 when everything is in the store.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/sink_stores.h"
#include "sql/stream_plan.h"
#include "stream/sink_deployment.h"

namespace meterstream {
namespace {

constexpr std::chrono::seconds kLongestLife{180};
/// Of a life that is to die: a read gives one batch, and each is committed alone.
constexpr size_t kReadBytes = 1;

struct Death {
  std::string_view moment;
  int64_t settles_left = 0;
  std::chrono::microseconds delay{0};
  /// The position is committed when a writer is called the next time.
  bool is_due_afterwards = false;

  [[noreturn]] static void die() {
    ::kill(::getpid(), SIGKILL);
    while (true) ::pause();
  }
  void come_afterwards() const {
    if (is_due_afterwards) die();
  }
};

/// SinkTask commits the position of what settle() made durable right after it.
class DyingSinkWriter final : public SinkWriter {
 public:
  DyingSinkWriter(std::unique_ptr<SinkWriter> inner, Death& death) : inner_(std::move(inner)), death_(death) {}

  Status open(Offset next) override { return inner_->open(next); }
  Status add(const RecordSet& records, std::vector<Rejected>& rejected) override {
    death_.come_afterwards();
    return inner_->add(records, rejected);
  }
  Result<Offset> settle(Offset next, Settle how) override {
    death_.come_afterwards();
    if (death_.moment == "never" || --death_.settles_left > 0) return inner_->settle(next, how);
    if (death_.moment == "before-write") Death::die();
    if (death_.moment == "in-write") {
      std::thread([delay = death_.delay] {
        std::this_thread::sleep_for(delay);
        Death::die();
      }).detach();
      return inner_->settle(next, how);
    }
    auto durable = inner_->settle(next, how);
    if (!durable) return durable;
    if (death_.moment == "before-position") Death::die();
    death_.is_due_afterwards = true;
    return durable;
  }
  [[nodiscard]] std::string definition() const override { return inner_->definition(); }

 private:
  std::unique_ptr<SinkWriter> inner_;
  Death& death_;
};

std::string text_of(const char* file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// In turn, until none has anything left.
Status run_to_the_end(std::vector<std::unique_ptr<Task>> tasks) {
  for (auto& task : tasks) RETURN_IF_ERROR(task->open());
  const auto deadline = std::chrono::steady_clock::now() + kLongestLife;
  while (!tasks.empty()) {
    if (std::chrono::steady_clock::now() > deadline) return unavailable("the sink took too long");
    bool worked = false;
    for (auto& task : tasks) {
      ASSIGN_OR_RETURN(const Task::Step step, task->step());
      worked |= step != Task::Step::kWaiting;
      if (step != Task::Step::kExhausted) continue;
      const Status finished = task->finish(true);
      if (finished) {
        task.reset();
      } else if (finished.error().code != ErrorCode::kUnavailable) {
        return finished;
      }
    }
    std::erase(tasks, nullptr);
    if (!worked) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

Status live(char** arguments) {
  const std::string settings_file = arguments[2];
  Death death{arguments[4], std::atoll(arguments[5]), std::chrono::microseconds(std::atoll(arguments[6]))};
  ASSIGN_OR_RETURN(const Configuration configuration,
                   parse_configuration(text_of(settings_file.c_str()), settings_file));
  ASSIGN_OR_RETURN(const Program program, compile_sql(text_of(arguments[3]), arguments[3]));
  const SystemClock clock;
  ASSIGN_OR_RETURN(const auto data, DataDirectory::open(arguments[1], DataDirectory::Mode::kExisting, clock));
  const CommandContext context{configuration, false, false, {}, {}, clock, {}};
  SinkStores stores(*data, data->schemas(), context);
  SinkTask::Options options;
  options.bounded = true;
  if (death.moment != "never") {
    options.commit_interval_ms = 0;
    options.read_bytes = kReadBytes;
  }
  const auto writer_of = [&](const SinkSpec& sink, PartitionId partition) -> Result<DeployedWriter> {
    ASSIGN_OR_RETURN(DeployedWriter deployed, stores.writer(sink, partition));
    deployed.writer = std::make_unique<DyingSinkWriter>(std::move(deployed.writer), death);
    return deployed;
  };
  ASSIGN_OR_RETURN(auto tasks, deploy_sinks(program.sinks, data->log(), clock, options, 1, writer_of));
  RETURN_IF_ERROR(run_to_the_end(std::move(tasks)));
  death.come_afterwards();
  return {};
}

}  // namespace
}  // namespace meterstream

int main(int count, char** arguments) {
  if (count != 7) return 2;
  const meterstream::Status lived = meterstream::live(arguments);
  if (lived) return 0;
  fmt::print(stderr, "dying_sink: {}\n", lived.error().message);
  return 1;
}
