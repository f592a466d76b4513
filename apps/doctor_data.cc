#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "apps/data_directory.h"
#include "apps/doctor_command.h"
#include "apps/number_text.h"
#include "apps/progress_line.h"
#include "apps/signal_stop.h"

namespace meterstream {
namespace {

using State = Diagnosis::State;

std::string existing_parent(const std::string& path) {
  std::error_code code;
  std::filesystem::path folder = std::filesystem::absolute(path, code);
  while (!folder.empty() && folder != folder.root_path() && !std::filesystem::exists(folder, code)) {
    folder = folder.parent_path();
  }
  return folder.string();
}

Diagnosis disk_space(const std::string& path) {
  struct statvfs stats{};
  const std::string folder = existing_parent(path);
  if (statvfs(folder.c_str(), &stats) != 0) {
    return {"disk", State::kBad, fmt::format("{}: {}", folder, std::strerror(errno)), "choose another --data-dir",
            ExitCode::kDataDirectory};
  }
  const double free = static_cast<double>(stats.f_bavail) * static_cast<double>(stats.f_frsize);
  const std::string detail = fmt::format("{} free at {}", bytes_text(free), folder);
  if (free < 200e6) {
    return {"disk", State::kBad, detail, "free some space or choose another --data-dir; commits will fail soon",
            ExitCode::kDataDirectory};
  }
  if (free < 5e9) return {"disk", State::kWarning, detail, "about 110 bytes a reading are kept in the log"};
  return {"disk", State::kGood, detail, ""};
}

/// Milliseconds of a small write that waits for the disk; negative when it cannot be made.
double sync_time_ms(const std::string& folder, const Clock& clock) {
  std::string name = folder + "/.meterstream-doctor-XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0) return -1;
  constexpr int kRounds = 5;
  const int64_t start = clock.monotonic_ns();
  bool written = true;
  for (int round = 0; round < kRounds && written; ++round) {
    written = write(file, name.data(), name.size()) > 0 && fdatasync(file) == 0;
  }
  const double elapsed_ms = static_cast<double>(clock.monotonic_ns() - start) * 1e-6 / kRounds;
  close(file);
  unlink(name.c_str());
  return written ? elapsed_ms : -1;
}

Diagnosis disk_sync(const std::string& path, const Clock& clock) {
  const std::string folder = existing_parent(path);
  const double time_ms = sync_time_ms(folder, clock);
  if (time_ms < 0) {
    return {"disk sync", State::kBad, fmt::format("cannot write to {}: {}", folder, std::strerror(errno)),
            "give this user the right to write there, or choose another --data-dir", ExitCode::kDataDirectory};
  }
  const std::string detail = fmt::format("{} for a durable write", elapsed_text(time_ms / 1000));
  if (time_ms > 50) return {"disk sync", State::kWarning, detail, "a slow disk: raise engine.commit_interval"};
  return {"disk sync", State::kGood, detail, ""};
}

std::string advice_for(const Error& error) {
  switch (error.code) {
    case ErrorCode::kConflict:
      return "stop the other meterstream process, or choose another --data-dir";
    case ErrorCode::kCorrupt:
      return "restore the directory from a backup; what another topic holds can be replayed";
    default:
      return "see the message";
  }
}

Diagnosis failed(std::string check, const Error& error) {
  return {std::move(check), State::kBad, error.message, advice_for(error), exit_code_of(error)};
}

/// Reads every record, which compares every batch's checksum.
Status read_all_records(DataDirectory& data, const SignalStop& stop, ProgressLine& progress, int64_t& records) {
  int64_t total = 0;
  ASSIGN_OR_RETURN(const std::vector<std::string> topics, data.log().topics());
  std::vector<std::pair<TopicPartition, OffsetRange>> partitions;
  for (const std::string& topic : topics) {
    ASSIGN_OR_RETURN(const TopicDescription description, data.log().describe_topic(topic));
    for (size_t number = 0; number < description.partitions.size(); ++number) {
      const OffsetRange range = description.partitions[number];
      partitions.push_back({{topic, PartitionId(static_cast<int32_t>(number))}, range});
      total += range.end.value - range.begin.value;
    }
  }
  RecordSet set;
  for (const auto& [source, range] : partitions) {
    for (Offset next = range.begin; next < range.end; next = set.next) {
      if (stop.requested()) return cancelled("stopped");
      RETURN_IF_ERROR(data.log().read(source, next, size_t{4} << 20, set));
      if (set.records.empty()) break;
      records += static_cast<int64_t>(set.records.size());
      progress.update(records, static_cast<double>(records) / static_cast<double>(std::max<int64_t>(total, 1)));
    }
  }
  return {};
}

void check_contents(DataDirectory& data, const CommandContext& context, std::vector<Diagnosis>& found) {
  const SignalStop stop;
  ProgressLine files(context.clock, context.errors, {.unit = "bytes", .label = "checking files"});
  const Status status = data.store().check([&](uint64_t done, uint64_t total) {
    const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
    files.update(static_cast<int64_t>(done), share);
    return !stop.requested();
  });
  files.finish();
  if (!status) {
    found.push_back(failed("store files", status.error()));
    return;
  }
  const double size = static_cast<double>(data.store().disk_bytes());
  found.push_back({"store files", State::kGood, fmt::format("{}, all checksums right", bytes_text(size)), ""});

  ProgressLine log(context.clock, context.errors, {.unit = "records", .label = "checking log"});
  int64_t records = 0;
  const Status read = read_all_records(data, stop, log, records);
  log.finish();
  if (!read) {
    found.push_back(failed("log records", read.error()));
    return;
  }
  found.push_back({"log records", State::kGood, fmt::format("{}, all checksums right", grouped_text(records)), ""});
}

}  // namespace

std::vector<Diagnosis> diagnose_data_directory(const CommandContext& context, bool quick) {
  const std::string& path = context.configuration.data_dir;
  std::vector<Diagnosis> found = {disk_space(path), disk_sync(path, context.clock)};
  auto data = DataDirectory::open(path, DataDirectory::Mode::kExisting, context.clock);
  if (!data && data.error().code == ErrorCode::kNotFound) {
    found.push_back(
        {"data directory", State::kGood, fmt::format("{} is not there yet; replay or demo makes it", path), ""});
    return found;
  }
  if (!data) {
    found.push_back(failed("data directory", data.error()));
    return found;
  }
  const auto topics = (*data)->log().topics();
  if (!topics) {
    found.push_back(failed("data directory", topics.error()));
    return found;
  }
  found.push_back({"data directory", State::kGood, fmt::format("{}, {} topics", path, topics->size()), ""});
  if (!quick) check_contents(**data, context, found);
  return found;
}

}  // namespace meterstream
