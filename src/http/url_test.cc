#include "http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace meterstream {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Url, SplitsPathAndQuery) {
  const auto parts = split_target("/is_valid_property/ksql%2Ename?a=1&b=%20");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->path, "/is_valid_property/ksql.name");
  EXPECT_EQ(parts->query, "a=1&b=%20");
  EXPECT_EQ(split_target("http://localhost:8088/info")->path, "/info");
  EXPECT_EQ(split_target("http://localhost:8088")->path, "/");
  EXPECT_EQ(split_target("https://localhost?x=1")->query, "x=1");
  EXPECT_EQ(split_target("*")->path, "*");
}

TEST(Url, RefusesWhatIsNoTarget) {
  for (const std::string_view target :
       {"", "info", "/a b", "/a\x01", "/%", "/%4", "/%zz", "/%00", "http://", "ftp://a/b"}) {
    EXPECT_FALSE(split_target(target)) << target;
  }
}

TEST(Url, DecodesParametersOfQueries) {
  EXPECT_THAT(*query_parameters("a=1&b=x+y%26&c&&=2"),
              ElementsAre(QueryParameter{"a", "1"}, QueryParameter{"b", "x y&"}, QueryParameter{"c", ""},
                          QueryParameter{"", "2"}));
  EXPECT_THAT(*query_parameters(""), IsEmpty());
  EXPECT_FALSE(query_parameters("a=%"));
  EXPECT_FALSE(query_parameters("%x=1"));
}

TEST(Url, DecodingUndoesEncoding) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    RC_PRE(text.find('\0') == std::string::npos);
    std::string encoded;
    for (const char c : text) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte / 16], kDigits[byte % 16]};
    }
    const auto parameters = query_parameters("name=" + encoded);
    RC_ASSERT(parameters && parameters->at(0).value == text);
  }));
}

}  // namespace
}  // namespace meterstream
