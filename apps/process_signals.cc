#include "apps/process_signals.h"

#include <csignal>
#include <string_view>
#include <tuple>

#include <unistd.h>

#include "apps/command_line.h"

namespace meterstream {
namespace {

// Only what may be called in a signal handler.
extern "C" void end_after_failed_read(int /*signal*/) {
  constexpr std::string_view kMessage =
      "error: a file of the data directory could not be read: the disk failed, or the file was cut short while it was "
      "in use; run 'meterstream doctor', and restore the data directory from a copy\n";
  std::ignore = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(static_cast<int>(ExitCode::kCorrupt));
}

extern "C" void end_before_work(int signal) {
  constexpr std::string_view kMessage = "\ninterrupted; what was committed is kept\n";
  std::ignore = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(128 + signal);
}

}  // namespace

void set_process_signals() {
  std::signal(SIGINT, end_before_work);
  std::signal(SIGTERM, end_before_work);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGBUS, end_after_failed_read);
}

}  // namespace meterstream
