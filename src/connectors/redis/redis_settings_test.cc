#include "connectors/redis/redis_settings.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using testing::HasSubstr;

std::string fault_of(const std::function<void(RedisSettings&)>& change) {
  RedisSettings settings;
  change(settings);
  const Status checked = check_redis_settings(settings);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
  return checked.error().message;
}

TEST(RedisSettings, WhatCannotWorkIsNamed) {
  EXPECT_EQ(fault_of([](RedisSettings&) {}), "");
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.host = ""; }), HasSubstr("host"));
  const std::string url = fault_of([](RedisSettings& s) { s.host = "redis://:secret@host"; });
  EXPECT_THAT(url, HasSubstr("host"));
  EXPECT_THAT(url, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.port = 65'536; }), HasSubstr("port"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.port = 0; }), HasSubstr("port"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.db = -1; }), HasSubstr("db"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.password = s.password_file = "x"; }), HasSubstr("password_file"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.user = "x"; }), HasSubstr("no password"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.certificate_file = "x"; }), HasSubstr("key_file"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.ca_file = "x"; }), HasSubstr("tls = true"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.ttl_s = -1; }), HasSubstr("ttl"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.ttl_s = INT64_MAX; }), HasSubstr("ttl"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.request_timeout_ms = 0; }), HasSubstr("request_timeout"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.pipeline_depth = 0; }), HasSubstr("pipeline_depth"));
  EXPECT_THAT(fault_of([](RedisSettings& s) { s.longest_pause_ms = 1; }), HasSubstr("pauses"));
}

TEST(RedisSettings, AnAddressOfVersion6HasBrackets) {
  RedisSettings settings;
  EXPECT_EQ(redis_address(settings), "127.0.0.1:6379");
  settings.host = "::1";
  EXPECT_EQ(redis_address(settings), "[::1]:6379");
}

}  // namespace
}  // namespace meterstream
