#include "connectors/cassandra/cassandra_settings.h"

#include <functional>
#include <utility>

#include <gmock/gmock.h>

namespace meterstream {
namespace {

using testing::HasSubstr;
using testing::Not;

CassandraSettings good() {
  CassandraSettings settings;
  settings.hosts = "one,two:9043";
  return settings;
}

TEST(CassandraSettingsTest, DefaultsWithAHostAreGood) {
  EXPECT_TRUE(check_cassandra_settings(good()));
  CassandraSettings lower = good();
  lower.consistency = "local_one";
  EXPECT_TRUE(check_cassandra_settings(lower));
}

TEST(CassandraSettingsTest, WhatIsWrongIsNamed) {
  const std::pair<const char*, std::function<void(CassandraSettings&)>> cases[] = {
      {"no host", [](CassandraSettings& settings) { settings.hosts = " ,"; }},
      {"keyspace 'My-Space'", [](CassandraSettings& settings) { settings.keyspace = "My-Space"; }},
      {"consistency 'MOST'", [](CassandraSettings& settings) { settings.consistency = "MOST"; }},
      {"port", [](CassandraSettings& settings) { settings.port = 0; }},
      {"request_timeout_ms", [](CassandraSettings& settings) { settings.request_timeout_ms = 0; }},
      {"in_flight", [](CassandraSettings& settings) { settings.in_flight = 0; }},
      {"batch_rows", [](CassandraSettings& settings) { settings.batch_rows = 5'000; }},
      {"ttl_s", [](CassandraSettings& settings) { settings.ttl_s = -1; }},
      {"replication_factor", [](CassandraSettings& settings) { settings.replication_factor = 0; }},
      {"replication_strategy", [](CassandraSettings& settings) { settings.replication_strategy = "x"; }},
      {"local_datacentre",
       [](CassandraSettings& settings) { settings.replication_strategy = "NetworkTopologyStrategy"; }},
      {"key_file", [](CassandraSettings& settings) { settings.certificate_file = "a"; }},
      {"tls = true", [](CassandraSettings& settings) { settings.ca_file = "a"; }},
      {"no user", [](CassandraSettings& settings) { settings.password = "hush"; }},
      {"password_file",
       [](CassandraSettings& settings) {
         settings.user = "me";
         settings.password = settings.password_file = "hush";
       }},
      {"no password", [](CassandraSettings& settings) { settings.user = "me"; }},
  };
  for (const auto& [part, spoil] : cases) {
    CassandraSettings settings = good();
    spoil(settings);
    const Status refused = check_cassandra_settings(settings);
    ASSERT_FALSE(refused) << part;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(refused.error().message, HasSubstr(part));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hush")));
  }
}

}  // namespace
}  // namespace meterstream
