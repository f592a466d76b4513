#include "connectors/redis/redis_refusal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

RedisSettings settings() {
  RedisSettings settings;
  settings.host = "cache.example";
  settings.user = "meter";
  settings.password = "hunter2";
  settings.db = 7;
  settings.key_prefix = "m:";
  return settings;
}

TEST(RedisRefusal, WhatTheConfigurationMustChangeIsInvalid) {
  for (const auto& [text, hint] :
       {std::pair("WRONGPASS invalid username-password pair or user is disabled.", "user meter"),
        std::pair("NOAUTH Authentication required.", "password_file"),
        std::pair("ERR invalid password", "password_file"),
        std::pair("ERR AUTH <password> called without any password configured for the default user.",
                  "knows no password"),
        std::pair("ERR Client sent AUTH, but no password is set", "knows no password"),
        std::pair("NOPERM this user has no permissions to run the 'evalsha' command", "~m:*"),
        std::pair("ERR DB index is out of range", "no database 7"),
        std::pair("ERR SELECT is not allowed in cluster mode", "Cluster"),
        std::pair("MOVED 3999 127.0.0.1:6381", "Cluster"),
        std::pair("CROSSSLOT Keys in request don't hash to the same slot", "Cluster"),
        std::pair("CLUSTERDOWN The cluster is down", "Cluster"),
        std::pair("WRONGTYPE Operation against a key holding the wrong kind of value", "key_prefix"),
        std::pair("DENIED Redis is running in protected mode", "own machine"),
        std::pair("ERR unknown command 'EVALSHA'", "Redis 4")}) {
    const Error error = redis_refusal(text, settings());
    EXPECT_EQ(error.code, ErrorCode::kInvalid) << text;
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("redis cache.example:6379"), HasSubstr(hint), Not(HasSubstr("hunter2"))));
  }
}

TEST(RedisRefusal, WhatPassesIsUnavailable) {
  for (const std::string_view text :
       {"LOADING Redis is loading the dataset in memory", "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.", "BUSY Redis is busy running a script.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "NOREPLICAS Not enough good replicas to write.", "ERR max number of clients reached",
        "ERR Error running script (call to f_1): @user_script:33: @user_script: 33: -OOM command not allowed",
        "-READONLY You can't write against a read only replica."}) {
    const Error error = redis_refusal(text, settings());
    EXPECT_EQ(error.code, ErrorCode::kUnavailable) << text;
    EXPECT_THAT(error.message, HasSubstr("redis cache.example:6379"));
  }
}

TEST(RedisRefusal, TheFirstWordTells) {
  EXPECT_EQ(redis_error_word("NOSCRIPT No matching script. Please use EVAL."), "NOSCRIPT");
  EXPECT_EQ(redis_error_word("ERR unknown command"), "ERR");
  EXPECT_EQ(redis_error_word("something went wrong"), "ERR");
  EXPECT_EQ(redis_error_word(""), "ERR");
  EXPECT_EQ(redis_error_word("ERR Error running script (call to f_1): nothing known"), "ERR");
}

TEST(RedisRefusal, NamesWhoIsRefused) {
  RedisSettings anonymous;
  EXPECT_THAT(redis_refusal("NOAUTH Authentication required.", anonymous).message,
              HasSubstr("clients without a login"));
  anonymous.password = "hunter2";
  EXPECT_THAT(redis_refusal("WRONGPASS invalid", anonymous).message, HasSubstr("refuses the password"));
}

}  // namespace
}  // namespace meterstream
