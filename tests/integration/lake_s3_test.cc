// The lake on a real S3 server, through a proxy that makes faults. Run by with_s3.
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/lake/lake_compaction.h"
#include "connectors/lake/lake_inspector.h"
#include "connectors/lake/lake_store_contract.h"
#include "connectors/lake/lake_test_records.h"
#include "fault_proxy.h"

namespace meterstream {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set; run this by tests/integration/with_s3";
  return value == nullptr ? "" : value;
}

class LakeOnS3 : public testing::Test {
 protected:
  LakeOnS3() : proxy_(static_cast<uint16_t>(std::stoi(url_.substr(url_.rfind(':') + 1)))) {
    for (int i = 0; i < 3000; ++i) {
      records_.add(std::string("gateway-") + std::to_string(i % 7), kLakeTestStart + i * 60'000, i * 0.25);
    }
  }
  /// A lake of the test's own.
  LakeSettings settings(const std::string& endpoint) const {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    return {.uri = "s3://lake/" + name,
            .endpoint = endpoint,
            .region = "us-east-1",
            .access_key = "meterstream",
            .secret_key = "local-secret",
            .roll_rows = 500,
            .retry_for_ms = 20'000,
            .first_pause_ms = 10,
            .longest_pause_ms = 200};
  }
  std::unique_ptr<LakeStore> open(const LakeSettings& settings) {
    auto store = open_lake_store(settings, clock_);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }
  static void script(const std::string& command) {
    const std::string line = environment("METERSTREAM_S3_SCRIPT") + " " + command + " --directory " +
                             environment("METERSTREAM_S3_DIRECTORY");
    EXPECT_EQ(std::system((line + " > /dev/null").c_str()), 0) << line;
  }
  void expect_whole(LakeStore& store, int64_t readings) {
    const auto report = LakeInspector(store).verify();
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_THAT(report->faults, IsEmpty());
    EXPECT_EQ(report->readings, readings);
  }
  /// Reads all records into the lake; `committed` is where a next life goes on.
  Status fill(LakeStore& store, const LakeSettings& settings, Offset& committed) {
    LakeSinkWriter writer(store, lake_test_source(), ValueFormat::kAvro, records_.schemas(), settings, clock_);
    return drive(writer, records_, committed, 100);
  }

  std::string url_ = environment("METERSTREAM_S3_URL");
  FaultProxy proxy_;
  LakeTestRecords records_;
  SystemClock clock_;
};

TEST_F(LakeOnS3, KeepsTheContractOfStores) {
  check_lake_store_contract(*open(settings(url_)));
}

TEST_F(LakeOnS3, RefusedKeysAndMissingBucketsAreNamed) {
  LakeSettings wrong = settings(url_);
  wrong.secret_key = "hidden-but-wrong";
  const auto refused = open(wrong)->write("a", "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid) << refused.error().message;
  EXPECT_THAT(refused.error().message, HasSubstr("check the keys"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("hidden-but-wrong")));

  LakeSettings missing = settings(url_);
  missing.uri = "s3://no-such-bucket/lake";
  const auto lost = open(missing)->write("a", "x");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kNotFound) << lost.error().message;
}

TEST_F(LakeOnS3, RefusalsThatDoNotPassAreErrorsAtOnceAndOthersAreTriedAgain) {
  const auto store = open(settings(proxy_.url()));
  for (const char* code : {"InvalidToken", "ExpiredToken", "AuthorizationHeaderMalformed"}) {
    proxy_.refuse(1, "400 Bad Request", code);
    const auto refused = store->write("a", "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("check"));
    // It looks first, and is answered without a word.
    proxy_.refuse(2, "400 Bad Request", code);
    const auto not_created = store->create("a", "x");
    ASSERT_FALSE(not_created);
    EXPECT_EQ(not_created.error().code, ErrorCode::kInvalid) << not_created.error().message;
  }
  for (const char* code : {"RequestTimeout", "IncompleteBody", "BadDigest"}) {
    proxy_.refuse(2, "400 Bad Request", code);
    const auto written = store->write("a", code);
    EXPECT_TRUE(written) << written.error().message;
    const auto read = store->read("a");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, code);
  }
}

TEST_F(LakeOnS3, StoreThatSaysThatItIsFullIsTriedAgain) {
  LakeSettings impatient = settings(proxy_.url());
  impatient.retry_for_ms = 0;
  for (const auto& [status, code] :
       {std::pair("403 Forbidden", "QuotaExceeded"), std::pair("507 Insufficient Storage", "XMinioStorageFull"),
        std::pair("400 Bad Request", "XMinioAdminBucketQuotaExceeded")}) {
    proxy_.refuse(1, status, code);
    const auto refused = open(impatient)->write("a", code);
    ASSERT_FALSE(refused) << code;
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("make room"));
    proxy_.refuse(1, status, code);
    EXPECT_TRUE(open(settings(proxy_.url()))->write("a", code));
  }
}

TEST_F(LakeOnS3, RefusalsAndSlowAnswersDelayOnly) {
  const auto store = open(settings(proxy_.url()));
  proxy_.refuse(25);
  proxy_.delay_answers(5);
  Offset committed;
  const auto done = fill(*store, settings(proxy_.url()), committed);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_GT(proxy_.faults(), 25);
  proxy_.delay_answers(0);
  expect_whole(*store, 3000);
}

TEST_F(LakeOnS3, AnswersThatDoNotComeAreAskedForAgain) {
  LakeSettings hasty = settings(proxy_.url());
  hasty.request_timeout_ms = 1'000;
  const auto store = open(hasty);
  proxy_.delay_answers(3'000);
  std::jthread heal([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    proxy_.delay_answers(0);
  });
  const auto written = store->write("dt=2024-03-01/a", "x");
  EXPECT_TRUE(written) << written.error().message;
  EXPECT_GT(proxy_.faults(), 0);
  EXPECT_EQ(*open(settings(url_))->read("dt=2024-03-01/a"), "x");
}

TEST_F(LakeOnS3, UploadsThatAreCutOffLeaveNothingThatAReaderSees) {
  LakeSettings impatient = settings(proxy_.url());
  impatient.retry_for_ms = 100;
  const auto store = open(impatient);
  const auto direct = open(settings(url_));
  proxy_.cut_after(100'000);
  for (const size_t size : {300'000U, 25'000'000U}) {
    const auto written = store->write("dt=2024-03-01/metrics+0+0+9.parquet", std::string(size, 'x'));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kUnavailable) << written.error().message;
    EXPECT_THAT(paths_in(*direct, ""), IsEmpty());
  }
  proxy_.cut_after(0);
  Offset committed;
  ASSERT_TRUE(fill(*store, impatient, committed));
  expect_whole(*direct, 3000);
}

TEST_F(LakeOnS3, ServerThatIsKilledInTheMiddleIsWaitedFor) {
  const LakeSettings patient = settings(url_);
  const auto store = open(patient);
  LakeSinkWriter writer(*store, lake_test_source(), ValueFormat::kAvro, records_.schemas(), patient, clock_);
  Offset committed;
  ASSERT_TRUE(writer.open(committed));
  std::vector<SinkWriter::Rejected> rejected;
  ASSERT_TRUE(writer.add(records_.read(Offset(0), 1200), rejected));
  script("kill");
  std::jthread restart([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    script("start");
  });
  ASSERT_TRUE(writer.add(records_.read(Offset(1200), 1800), rejected));
  ASSERT_TRUE(writer.settle(Offset(3000), SinkWriter::Settle::kAll));
  restart.join();
  expect_whole(*store, 3000);
}

TEST_F(LakeOnS3, ServerThatStaysAwayIsAnErrorAndTheNextLifeWritesTheSameObjects) {
  LakeSettings impatient = settings(url_);
  impatient.retry_for_ms = 50;
  const auto store = open(impatient);
  Offset committed;
  LakeSinkWriter writer(*store, lake_test_source(), ValueFormat::kAvro, records_.schemas(), impatient, clock_);
  ASSERT_TRUE(writer.open(committed));
  std::vector<SinkWriter::Rejected> rejected;
  ASSERT_TRUE(writer.add(records_.read(Offset(0), 1200), rejected));
  script("kill");
  const auto away = writer.add(records_.read(Offset(1200), 1800), rejected);
  script("start");
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ErrorCode::kUnavailable) << away.error().message;
  // As after a kill -9: nothing was committed, and it collects by another limit.
  LakeSettings other = settings(url_);
  other.roll_rows = 170;
  const auto done = fill(*store, other, committed);
  ASSERT_TRUE(done) << done.error().message;
  expect_whole(*store, 3000);
}

TEST_F(LakeOnS3, CompactionMergesObjects) {
  const auto store = open(settings(url_));
  Offset committed;
  ASSERT_TRUE(fill(*store, settings(url_), committed));
  const auto summary = LakeCompaction(*store, clock_, {.min_age_ms = 0}).run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_GT(summary->merged_objects, 0);
  expect_whole(*store, 3000);
  const auto listing = LakeInspector(*store).list();
  for (const LakeDate& date : listing->dates) EXPECT_EQ(date.objects, 1) << date_text(date.day);
}

}  // namespace
}  // namespace meterstream
