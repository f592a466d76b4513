#include "state/rocksdb_store.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

namespace fs = std::filesystem;

/// The real file system until told to fail.
class FailingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  enum class Failure { kNone, kNoSpace, kAppend, kSync };

  FailingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  [[nodiscard]] const char* Name() const override { return "FailingFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &file, debug);
    if (status.ok()) *result = std::make_unique<FailingFile>(*this, std::move(file), name);
    return status;
  }

  std::atomic<Failure> failure = Failure::kNone;
  /// Only files whose names end like this fail.
  std::string suffix = ".log";

 private:
  class FailingFile final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    FailingFile(FailingFileSystem& system, std::unique_ptr<rocksdb::FSWritableFile> file, const std::string& name)
        : FSWritableFileOwnerWrapper(std::move(file)), system_(system), fails_(name.ends_with(system.suffix)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (fails_ && system_.failure == Failure::kNoSpace) return rocksdb::IOStatus::NoSpace("No space left on device");
      if (fails_ && system_.failure == Failure::kAppend) return rocksdb::IOStatus::IOError("Input/output error");
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo& /*info*/, rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (fails_ && system_.failure == Failure::kSync) return rocksdb::IOStatus::IOError("Input/output error");
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      return Sync(options, debug);
    }

   private:
    FailingFileSystem& system_;
    const bool fails_;
  };
};

class RocksDbStoreTest : public testing::Test {
 protected:
  Result<std::unique_ptr<RocksDbStore>> open(RocksDbStoreOptions options = {}) {
    options.environment = environment_.get();
    return RocksDbStore::open(directory_.path(), options);
  }
  static Status put(RocksDbStore& store, Space space, std::string key, std::string value,
                    Durability durability = Durability::kSync) {
    WriteBatch batch;
    batch.put(space, std::move(key), std::move(value));
    return store.write(batch, durability);
  }
  static std::optional<std::string> get(const RocksDbStore& store, Space space, std::string_view key) {
    const auto value = store.get(space, key);
    if (!value || !*value) return std::nullopt;
    return std::string((*value)->bytes);
  }
  [[nodiscard]] fs::path largest_file(std::string_view extension) const {
    fs::path largest;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (entry.path().extension() != extension) continue;
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    }
    EXPECT_FALSE(largest.empty()) << extension;
    return largest;
  }
  static void flip_byte(const fs::path& path, int64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const int byte = file.get();
    ASSERT_NE(byte, EOF);
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x10));
  }

  TemporaryDirectory directory_;
  std::shared_ptr<FailingFileSystem> files_ = std::make_shared<FailingFileSystem>();
  std::unique_ptr<rocksdb::Env> environment_ = rocksdb::NewCompositeEnv(files_);
};

TEST_F(RocksDbStoreTest, FailedWritesKeepNothingAndStopTheStoreUntilItIsOpenedAgain) {
  using Failure = FailingFileSystem::Failure;
  for (const Failure failure : {Failure::kNoSpace, Failure::kAppend, Failure::kSync}) {
    SCOPED_TRACE(static_cast<int>(failure));
    {
      auto store = open();
      ASSERT_TRUE(store) << store.error().message;
      ASSERT_TRUE(put(**store, Space::kMeta, "before", "1"));
      files_->failure = failure;
      const Status failed = put(**store, Space::kMeta, "during", "1");
      files_->failure = Failure::kNone;
      ASSERT_FALSE(failed);
      EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable) << failed.error().message;
      EXPECT_EQ(get(**store, Space::kMeta, "during"), std::nullopt);
      if (failure == Failure::kNoSpace) {
        EXPECT_NE(failed.error().message.find("disk full"), std::string::npos) << failed.error().message;
      }
      const Status after = put(**store, Space::kMeta, "after", "1");
      ASSERT_FALSE(after);
      EXPECT_NE(after.error().message.find("opened again"), std::string::npos) << after.error().message;
      EXPECT_EQ(get(**store, Space::kMeta, "before"), "1");
    }
    auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(get(**store, Space::kMeta, "before"), "1");
    EXPECT_EQ(get(**store, Space::kMeta, "after"), std::nullopt);
    ASSERT_TRUE(put(**store, Space::kMeta, "again", "1"));
    WriteBatch clean;
    clean.erase(Space::kMeta, "during");
    ASSERT_TRUE((*store)->write(clean, Durability::kSync));
  }
}

TEST_F(RocksDbStoreTest, FailedFlushInTheBackgroundStopsWrites) {
  files_->suffix = ".sst";
  auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  files_->failure = FailingFileSystem::Failure::kNoSpace;
  Status status;
  for (int index = 0; status && index < 2'000; ++index)
    status = put(**store, Space::kState, std::to_string(index), std::string(100'000, 'x'), Durability::kBuffered);
  files_->failure = FailingFileSystem::Failure::kNone;
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(status.error().message.find("disk full"), std::string::npos) << status.error().message;
  store->reset();
  store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kState, "0"), std::string(100'000, 'x'));
}

TEST_F(RocksDbStoreTest, OtherProcessThatHoldsTheDirectoryIsNamed) {
  int ready[2];
  int finish[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(finish), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto store = RocksDbStore::open(directory_.path());
    char byte = store ? '1' : '0';
    std::ignore = write(ready[1], &byte, 1);
    close(finish[1]);
    std::ignore = read(finish[0], &byte, 1);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, '1');
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_NE(refused.error().message.find("in use by process " + std::to_string(child)), std::string::npos)
      << refused.error().message;
  close(finish[0]);
  close(finish[1]);
  close(ready[0]);
  close(ready[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(open());
}

TEST_F(RocksDbStoreTest, DirectoryThatIsNoDirectoryOrNotOursIsRefused) {
  const fs::path file = directory_.path() / "file";
  std::ofstream(file) << "text";
  const auto no_directory = RocksDbStore::open(file);
  ASSERT_FALSE(no_directory);
  EXPECT_EQ(no_directory.error().code, ErrorCode::kInvalid);
  EXPECT_NE(no_directory.error().message.find("not a directory"), std::string::npos);

  const auto missing = RocksDbStore::open(directory_.path() / "missing", {.create = false});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);

  fs::create_directories(directory_.path() / "foreign" / "store");
  const auto foreign = RocksDbStore::open(directory_.path() / "foreign");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kInvalid);
}

TEST_F(RocksDbStoreTest, DirectoryWithoutPermissionIsRefused) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  fs::permissions(directory_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const auto refused = open();
  fs::permissions(directory_.path(), fs::perms::owner_all);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(RocksDbStoreTest, OtherFormatVersionIsRefusedByName) {
  ASSERT_TRUE(open());
  std::ofstream(directory_.path() / "FORMAT") << "meterstream data directory, format 9\n";
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_NE(refused.error().message.find("format 9"), std::string::npos) << refused.error().message;
  std::ofstream(directory_.path() / "FORMAT") << "something else";
  EXPECT_EQ(open().error().code, ErrorCode::kCorrupt);
}

TEST_F(RocksDbStoreTest, DamagedTableAndSegmentFilesAreFoundAndNamed) {
  for (const std::string_view extension : {".sst", ".segment"}) {
    SCOPED_TRACE(extension);
    fs::path damaged;
    {
      auto store = open();
      ASSERT_TRUE(store) << store.error().message;
      for (int index = 0; index < 2'000; ++index)
        ASSERT_TRUE(
            put(**store, Space::kState, "key" + std::to_string(index), std::string(500, 's'), Durability::kBuffered));
      for (int index = 0; index < 20; ++index)
        ASSERT_TRUE(
            put(**store, Space::kLog, "key" + std::to_string(index), std::string(50'000, 'l'), Durability::kBuffered));
      ASSERT_TRUE((*store)->flush());
      uint64_t last_done = 0;
      ASSERT_TRUE((*store)->check([&](uint64_t done, uint64_t total) {
        EXPECT_LE(done, total);
        last_done = done;
        return true;
      }));
      EXPECT_GT(last_done, 1'000'000U);
      EXPECT_EQ((*store)->check([](uint64_t, uint64_t) { return false; }).error().code, ErrorCode::kCancelled);
      damaged = largest_file(extension);
    }
    flip_byte(damaged, static_cast<int64_t>(fs::file_size(damaged) * 3 / 4));
    {
      auto store = open();
      ASSERT_TRUE(store) << store.error().message;
      const Status found = (*store)->check();
      ASSERT_FALSE(found);
      EXPECT_EQ(found.error().code, ErrorCode::kCorrupt);
      EXPECT_NE(found.error().message.find(damaged.filename().string()), std::string::npos) << found.error().message;
    }
    if (extension == ".sst") {
      auto store = open();
      ASSERT_TRUE(store);
      bool saw_corruption = false;
      for (int index = 0; index < 2'000; ++index) {
        const auto value = (*store)->get(Space::kState, "key" + std::to_string(index));
        if (value) continue;
        saw_corruption = true;
        EXPECT_EQ(value.error().code, ErrorCode::kCorrupt);
        EXPECT_NE(value.error().message.find(damaged.filename().string()), std::string::npos) << value.error().message;
        break;
      }
      EXPECT_TRUE(saw_corruption);
    }
    flip_byte(damaged, static_cast<int64_t>(fs::file_size(damaged) * 3 / 4));  // repaired for the next round
  }
}

// Writes in a process that dies without closing, so that the write-ahead log is all there is.
void write_and_die(const fs::path& directory) {
  const pid_t child = fork();
  if (child == 0) {
    auto store = RocksDbStore::open(directory);
    if (!store) _exit(1);
    for (int index = 0; index < 100; ++index) {
      WriteBatch batch;
      batch.put(Space::kMeta, "key" + std::to_string(100 + index), std::string(1'000, 'v'));
      if (!(*store)->write(batch, Durability::kBuffered)) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(RocksDbStoreTest, BufferedWritesSurviveTheDeathOfTheProcess) {
  write_and_die(directory_.path());
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kMeta, "key199"), std::string(1'000, 'v'));
}

TEST_F(RocksDbStoreTest, TornEndOfTheWriteAheadLogLosesOnlyTheTornBatch) {
  write_and_die(directory_.path());
  const fs::path wal = largest_file(".log");
  fs::resize_file(wal, fs::file_size(wal) - 500);
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kMeta, "key198"), std::string(1'000, 'v'));
  EXPECT_EQ(get(**store, Space::kMeta, "key199"), std::nullopt);
}

TEST_F(RocksDbStoreTest, DamageInsideTheWriteAheadLogIsRefusedUnlessToldToDropIt) {
  write_and_die(directory_.path());
  const fs::path wal = largest_file(".log");
  flip_byte(wal, static_cast<int64_t>(fs::file_size(wal) / 2));
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(refused.error().message.find(wal.filename().string()), std::string::npos) << refused.error().message;
  const auto store = open({.drop_damaged_tail = true});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kMeta, "key110"), std::string(1'000, 'v'));
  EXPECT_EQ(get(**store, Space::kMeta, "key199"), std::nullopt);
}

// Writes large values in a process that dies, half of them synced.
void write_large_and_die(const fs::path& directory, int synced, int buffered) {
  const pid_t child = fork();
  if (child == 0) {
    auto store = RocksDbStore::open(directory);
    if (!store) _exit(1);
    for (int index = 0; index < synced + buffered; ++index) {
      WriteBatch batch;
      batch.put(Space::kLog, "key" + std::to_string(100 + index), std::string(10'000, static_cast<char>('a' + index)));
      batch.put(Space::kMeta, "count", std::to_string(index + 1));
      if (!(*store)->write(batch, index < synced ? Durability::kSync : Durability::kBuffered)) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(RocksDbStoreTest, LargeValuesSurviveTheDeathOfTheProcess) {
  write_large_and_die(directory_.path(), 5, 5);
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kMeta, "count"), "10");
  EXPECT_EQ(get(**store, Space::kLog, "key109"), std::string(10'000, 'j'));
}

TEST_F(RocksDbStoreTest, LargeValuesLostByAPowerLossTakeTheirBatchAndAllLaterOnesWithThem) {
  write_large_and_die(directory_.path(), 5, 5);
  // The write-ahead log reached the disk, the end of the values did not.
  const fs::path segment = largest_file(".segment");
  fs::resize_file(segment, fs::file_size(segment) - 25'000);
  fs::resize_file(segment, fs::file_size(segment) + 25'000);
  for (int round = 0; round < 2; ++round) {
    const auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(get(**store, Space::kMeta, "count"), round == 0 ? "7" : "8");
    EXPECT_EQ(get(**store, Space::kLog, "key106"), std::string(10'000, 'g'));
    EXPECT_EQ(get(**store, Space::kLog, "key108"), std::nullopt);
    ASSERT_TRUE(put(**store, Space::kLog, "key107", std::string(10'000, 'n')));
    ASSERT_TRUE(put(**store, Space::kMeta, "count", "8"));
    ASSERT_TRUE((*store)->check());
  }
}

TEST_F(RocksDbStoreTest, DamageOfSyncedLargeValuesIsNeverTakenForAPowerLoss) {
  write_large_and_die(directory_.path(), 10, 0);
  const fs::path segment = largest_file(".segment");
  fs::resize_file(segment, fs::file_size(segment) - 15'000);
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kMeta, "count"), "10");
  const auto value = (*store)->get(Space::kLog, "key109");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(value.error().message.find(segment.filename().string()), std::string::npos) << value.error().message;
  const auto cursor = (*store)->cursor(Space::kLog);
  cursor->seek("key109");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->value(), "");
  EXPECT_FALSE(cursor->valid());
  EXPECT_EQ(cursor->status().error().code, ErrorCode::kCorrupt);
}

TEST_F(RocksDbStoreTest, FileOfLargeValuesThatIsCutWhileItIsOpenIsReportedDamaged) {
  const auto store = open();
  ASSERT_TRUE(put(**store, Space::kLog, "first", std::string(600'000, 'f')));
  ASSERT_TRUE(put(**store, Space::kLog, "second", std::string(600'000, 's')));
  EXPECT_EQ(get(**store, Space::kLog, "second"), std::string(600'000, 's'));
  fs::resize_file(largest_file(".segment"), 700'000);
  EXPECT_EQ(get(**store, Space::kLog, "first"), std::string(600'000, 'f'));
  const auto value = (*store)->get(Space::kLog, "second");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(value.error().message.find("ends before byte"), std::string::npos) << value.error().message;
}

TEST_F(RocksDbStoreTest, FullDiskUnderLargeValuesStopsTheStoreAndLosesNothing) {
  const pid_t child = fork();
  if (child == 0) {
    // A file may not grow beyond this: the write fails in its middle, as on a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1'000'000, 1'000'000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(10);
    auto store = RocksDbStore::open(directory_.path());
    if (!store) _exit(11);
    if (!put(**store, Space::kLog, "small", std::string(600'000, 's'))) _exit(12);
    const Status failed = put(**store, Space::kLog, "large", std::string(600'000, 'l'));
    if (failed || failed.error().message.find("disk full") == std::string::npos) _exit(13);
    if (put(**store, Space::kMeta, "after", "1")) _exit(14);
    if ((*store)->get(Space::kLog, "large")->has_value()) _exit(15);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  const auto store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(get(**store, Space::kLog, "small"), std::string(600'000, 's'));
  EXPECT_EQ(get(**store, Space::kLog, "large"), std::nullopt);
  ASSERT_TRUE(put(**store, Space::kLog, "large", std::string(600'000, 'L')));
  EXPECT_EQ(get(**store, Space::kLog, "large"), std::string(600'000, 'L'));
}

TEST_F(RocksDbStoreTest, ReclaimGivesBackTheSpaceOfErasedValues) {
  auto store = open({.segment_bytes = 4 << 20});
  ASSERT_TRUE(store);
  for (int index = 100; index < 200; ++index)
    ASSERT_TRUE(put(**store, Space::kLog, std::to_string(index), std::string(300'000, static_cast<char>(index)),
                    Durability::kBuffered));
  const uint64_t before = (*store)->disk_bytes();
  WriteBatch batch;
  batch.erase_range(Space::kLog, "101", "110");  // most of the first file
  batch.erase_range(Space::kLog, "120", "190");
  ASSERT_TRUE((*store)->write(batch, Durability::kSync));
  const auto snapshot = (*store)->cursor(Space::kLog);
  ASSERT_TRUE(put(**store, Space::kMeta, "k", "v"));
  ASSERT_TRUE((*store)->reclaim());
  EXPECT_LT((*store)->disk_bytes(), before / 2);
  ASSERT_TRUE((*store)->check());
  int count = 0;
  for (snapshot->seek(""); snapshot->valid(); snapshot->next(), ++count)
    EXPECT_EQ(snapshot->value(), std::string(300'000, static_cast<char>(std::stoi(std::string(snapshot->key())))));
  EXPECT_TRUE(snapshot->status());
  EXPECT_EQ(count, 21);
}

TEST_F(RocksDbStoreTest, ReadersAndWritersGoOnWhileReclaimMovesValues) {
  auto store = open({.segment_bytes = 1 << 20});
  ASSERT_TRUE(store);
  for (int index = 1000; index < 1200; ++index)
    ASSERT_TRUE(put(**store, Space::kLog, std::to_string(index), std::string(50'000, 'x'), Durability::kBuffered));
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) {
      for (int index = 1000; index < 1200; index += 10)
        EXPECT_EQ(get(**store, Space::kLog, std::to_string(index)), std::string(50'000, 'x'));
    }
  });
  std::thread writer([&] {
    for (int index = 1000; index < 1200; ++index) {
      if (index % 10 == 0) continue;
      WriteBatch batch;
      batch.erase(Space::kLog, std::to_string(index));
      EXPECT_TRUE((*store)->write(batch, Durability::kBuffered));
    }
  });
  for (int round = 0; round < 20; ++round) EXPECT_TRUE((*store)->reclaim());
  writer.join();
  EXPECT_TRUE((*store)->reclaim());
  stop = true;
  reader.join();
  const auto cursor = (*store)->cursor(Space::kLog);
  int count = 0;
  for (cursor->seek(""); cursor->valid(); cursor->next()) ++count;
  EXPECT_EQ(count, 20);
  EXPECT_TRUE((*store)->check());
}

}  // namespace
}  // namespace meterstream
