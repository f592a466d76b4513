#include "connectors/cassandra/cassandra_client.h"

#include <fstream>

#include <gmock/gmock.h>

#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(CassandraClientTest, APasswordFileWithoutAPasswordIsNamedBeforeAnybodyIsAsked) {
  const TemporaryDirectory directory;
  CassandraSettings settings;
  settings.hosts = "127.0.0.1:1";
  settings.user = "meterstream";
  settings.password_file = (directory.path() / "password").string();
  for (const bool is_there : {false, true}) {
    if (is_there) std::ofstream(settings.password_file) << "\nnot the first line\n";
    const Status refused = CassandraClient(settings).execute("SELECT now() FROM system.local");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid) << refused.error().message;
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(settings.password_file), HasSubstr("[cassandra]")));
  }
}

}  // namespace
}  // namespace meterstream
