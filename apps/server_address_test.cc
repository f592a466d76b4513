#include "apps/server_address.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(ServerAddress, ReadsHostsPortsAndWhetherThereIsTls) {
  for (const auto& [text, expected] :
       {std::pair{"localhost:1", "http://localhost:1"}, std::pair{"10.0.0.7", "http://10.0.0.7:8088"},
        std::pair{"http://meters.example:80/", "http://meters.example:80"},
        std::pair{"https://[::1]:65535", "https://[::1]:65535"}}) {
    const auto peer = parse_server_address(text);
    ASSERT_TRUE(peer) << text;
    EXPECT_EQ(peer->text(), expected);
  }
}

TEST(ServerAddress, RefusesWhatIsNone) {
  for (const auto* text :
       {"", ":1", "host:", "host:0", "host:65536", "host:1x", "[::1", "https://", "host/path", "user@host"})
    EXPECT_FALSE(parse_server_address(text)) << text;
}

}  // namespace
}  // namespace meterstream
