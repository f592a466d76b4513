#include "connectors/lake/local_lake_store.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "connectors/lake/lake_inspector.h"
#include "connectors/lake/lake_store_contract.h"
#include "connectors/lake/lake_test_records.h"
#include "testing/temporary_directory.h"

namespace {

// Directories and files that were synced, while somebody listens.
std::vector<std::string>* synced_paths = nullptr;

}  // namespace

/// In place of the library's.
extern "C" int fsync(int descriptor) {
  if (synced_paths != nullptr)
    synced_paths->push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)).string());
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace meterstream {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(LocalLakeStore, KeepsTheContract) {
  const TemporaryDirectory directory;
  const auto store = LocalLakeStore::open(directory.path() / "a" / "lake");
  ASSERT_TRUE(store) << store.error().message;
  check_lake_store_contract(**store);
}

TEST(LocalLakeStore, TakesARelativeDirectoryAndMakesNoneToLook) {
  const TemporaryDirectory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  const auto store = *LocalLakeStore::open("lake");
  EXPECT_THAT(paths_in(*store, ""), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists("lake"));
  EXPECT_TRUE(store->write("a", "x"));
  std::filesystem::current_path(before);
  EXPECT_EQ(*store->read("a"), "x");
}

TEST(LocalLakeStore, DirectoriesThatSomebodyElseMadeAreSyncedOnce) {
  const TemporaryDirectory directory;
  const auto lake = std::filesystem::canonical(directory.path()) / "lake";
  // As a process leaves them that died before it synced anything.
  std::filesystem::create_directories(lake / "a" / "b");
  const auto store = *LocalLakeStore::open(lake);
  std::vector<std::string> synced;
  synced_paths = &synced;
  ASSERT_TRUE(store->write("a/b/object", "x"));
  for (const auto& path : {lake.parent_path(), lake, lake / "a", lake / "a" / "b"})
    EXPECT_THAT(synced, Contains(path.string()));
  synced.clear();
  ASSERT_TRUE(store->write("a/b/object", "y"));
  EXPECT_THAT(synced, Not(Contains(lake.string())));
  EXPECT_THAT(synced, Contains((lake / "a" / "b").string()));
  // Somebody tidied up meanwhile.
  std::filesystem::remove_all(lake / "a");
  synced.clear();
  ASSERT_TRUE(store->write("a/b/object", "z"));
  for (const auto& path : {lake, lake / "a", lake / "a" / "b"}) EXPECT_THAT(synced, Contains(path.string()));
  synced_paths = nullptr;
}

TEST(LocalLakeStore, OneOfManyThatCreateAnObjectAtOnceHasIt) {
  const TemporaryDirectory directory;
  const auto store = *LocalLakeStore::open(directory.path());
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> winners = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { winners += *store->create("x" + std::to_string(round), std::to_string(i)); });
    }
    threads.clear();
    EXPECT_EQ(winners, 1);
  }
  EXPECT_THAT(paths_in(*store, "_uploads"), IsEmpty());
}

TEST(LocalLakeStore, WhatACrashLeftOfAnUploadIsNoObject) {
  const TemporaryDirectory directory;
  const auto store = *LocalLakeStore::open(directory.path());
  std::ofstream(directory.path() / "_uploads" / "4711-1.2-3") << "half of it";
  const auto report = LakeInspector(*store).verify();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->faults, IsEmpty());
  EXPECT_EQ(report->objects, 0);
}

TEST(LocalLakeStore, WhatNeverPassesIsInvalid) {
  const TemporaryDirectory directory;
  const auto store = *LocalLakeStore::open(directory.path());
  std::filesystem::create_directories(directory.path() / "a" / "directory");
  std::filesystem::create_symlink("loop", directory.path() / "loop");
  std::ofstream(directory.path() / "file") << "x";
  EXPECT_EQ(store->write(std::string(300, 'x'), "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->write("a/directory", "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->read("a/directory").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->read("loop").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->list("loop").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store->create("file/object", "").error().code, ErrorCode::kInvalid);
}

TEST(LocalLakeStore, FullDiskIsNamedAndTheSinkGoesOnWhenThereIsRoom) {
  const TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "only root may mount";
  LakeTestRecords records;
  for (int i = 0; i < 3000; ++i) records.add("g", kLakeTestStart + i * 1000, i);
  const ManualClock clock{IngestTime(kLakeTestStart)};
  std::ofstream(directory.path() / "ballast") << std::string(1'030'000, 'x');
  const auto store = *LocalLakeStore::open(directory.path() / "lake");
  LakeSinkWriter writer(*store, lake_test_source(), ValueFormat::kAvro, records.schemas(),
                        {.uri = "x", .roll_rows = 1000}, clock);
  Offset committed;
  const auto full = drive(writer, records, committed, 100);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(full.error().message, HasSubstr("No space left"));
  EXPECT_LT(committed, Offset(3000));
  std::filesystem::remove(directory.path() / "ballast");
  const auto done = drive(writer, records, committed, 100);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  const auto report = LakeInspector(*store).verify();
  EXPECT_TRUE(report && report->faults.empty() && report->readings == 3000);
  ::umount2(directory.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace meterstream
