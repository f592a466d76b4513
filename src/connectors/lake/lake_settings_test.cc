#include "connectors/lake/lake_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(LakeSettings, AcceptsDirectoriesAndBuckets) {
  for (const char* uri : {"/data/lake", "lake", "s3://bucket", "s3://bucket/a/prefix"}) {
    EXPECT_TRUE(check_lake_settings({.uri = uri})) << uri;
  }
}

TEST(LakeSettings, NamesWhatIsWrong) {
  const auto message = [](const LakeSettings& settings) {
    const auto checked = check_lake_settings(settings);
    return checked ? std::string("accepted") : checked.error().message;
  };
  EXPECT_THAT(message({}), HasSubstr("uri"));
  EXPECT_THAT(message({.uri = "hdfs://x"}), HasSubstr("hdfs://x"));
  EXPECT_THAT(message({.uri = "s3:///prefix"}), HasSubstr("bucket"));
  EXPECT_THAT(message({.uri = "s3://b", .endpoint = "localhost:9000"}), HasSubstr("http://"));
  EXPECT_THAT(message({.uri = "s3://b", .access_key = "a"}), HasSubstr("secret_key"));
  EXPECT_THAT(message({.uri = "s3://b", .session_token = "t"}), HasSubstr("session_token"));
  EXPECT_THAT(message({.uri = "d", .roll_rows = 0}), HasSubstr("roll_rows"));
  EXPECT_THAT(message({.uri = "d", .zstd_level = 0}), HasSubstr("zstd_level"));
  EXPECT_THAT(message({.uri = "s3://b", .secret_key = "hidden"}), Not(HasSubstr("hidden")));
}

TEST(LakeSettings, RefusesALoginInAnAddressWithoutShowingIt) {
  for (const LakeSettings& settings :
       {LakeSettings{.uri = "s3://user:hidden@bucket"}, LakeSettings{.uri = "http://user:hidden@minio"},
        LakeSettings{.uri = "s3://b", .endpoint = "http://user:hidden@minio"},
        LakeSettings{.uri = "s3://b", .endpoint = "user:hidden@minio"}}) {
    const auto checked = check_lake_settings(settings);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, AllOf(HasSubstr("access_key"), Not(HasSubstr("hidden"))));
  }
  EXPECT_TRUE(check_lake_settings({.uri = "/mnt/@data/lake"}));
}

}  // namespace
}  // namespace meterstream
