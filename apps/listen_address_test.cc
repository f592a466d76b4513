#include "apps/listen_address.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(ListenAddress, ReadsHostsAndPorts) {
  for (const auto& [text, expected] : {std::pair{"127.0.0.1:1", "127.0.0.1:1"}, std::pair{"0.0.0.0", "0.0.0.0:8088"},
                                       std::pair{"[::1]:65535", "[::1]:65535"}, std::pair{"[::]", "[::]:8088"},
                                       std::pair{"localhost:0", "127.0.0.1:0"}}) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), expected);
  }
  EXPECT_TRUE(parse_listen_address("[::1]")->is_loopback());
  EXPECT_TRUE(parse_listen_address("127.0.0.2")->is_loopback());
  EXPECT_FALSE(parse_listen_address("0.0.0.0")->is_loopback());
}

TEST(ListenAddress, RefusesWhatIsNone) {
  for (const auto* text :
       {"", ":1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:1x", "::1", "[::1", "[::1]1", "[]:1"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

}  // namespace
}  // namespace meterstream
