#include "server/rest_access.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(RestAccess, KnowsNamesOfThisMachine) {
  for (const std::string_view name : {"localhost", "LOCALHOST:80", "127.0.0.1:8088", "127.1", "[::1]:80", "[::1]"}) {
    EXPECT_TRUE(is_loopback_name(name)) << name;
  }
  for (const std::string_view name : {"", "example.org", "127.0.0.1.example.org", "[::2]", "localhost.example"}) {
    EXPECT_FALSE(is_loopback_name(name)) << name;
  }
}

TEST(RestAccess, ComparesWholeSecrets) {
  EXPECT_FALSE(is_authorized("Bearer ", "", ""));
  EXPECT_FALSE(is_authorized("Bearer", "x", ""));
  EXPECT_FALSE(is_authorized("Bearer xx", "x", ""));
  EXPECT_TRUE(is_authorized("bearer  x", "x", ""));
  EXPECT_FALSE(is_authorized("Basic !!", "", "a:b"));
  EXPECT_FALSE(is_authorized("Basic YTpi", "x", ""));
  EXPECT_TRUE(is_authorized("Basic YTpi", "", "a:b"));
}

TEST(RestAccess, TakesTheLoginsThatItWrites) {
  EXPECT_EQ(basic_authorization("a:b"), "Basic YTpi");
  for (const std::string login : {"ab:c", "abc:d", "user:\xff\xfe~", ":"}) {
    EXPECT_TRUE(is_authorized(basic_authorization(login), "", login)) << basic_authorization(login);
    EXPECT_EQ(basic_authorization(login).size() % 4, 2U) << "with its padding";
  }
}

}  // namespace
}  // namespace meterstream
