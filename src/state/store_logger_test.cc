#include "state/store_logger.h"

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(StoreLogger, AppendsWarningsAndErrorsWithTheirTime) {
  const TemporaryDirectory directory;
  const auto logger = make_store_logger(directory.path() / "LOG");
  rocksdb::Log(rocksdb::InfoLogLevel::INFO_LEVEL, logger, "not worth a line");
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "LOG"));
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, logger, "file %d is gone", 7);
  const std::string text = content_of(directory.path() / "LOG");
  EXPECT_NE(text.find("Z "), std::string::npos) << text;
  EXPECT_NE(text.find("file 7 is gone\n"), std::string::npos) << text;
}

TEST(StoreLogger, CutsLongMessagesAndStartsALongFileAnew) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "LOG") << std::string(2 << 20, 'x');
  const auto logger = make_store_logger(directory.path() / "LOG");
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, logger, "%s", std::string(100'000, 'y').c_str());
  const std::string text = content_of(directory.path() / "LOG");
  EXPECT_EQ(text.find('x'), std::string::npos);
  EXPECT_LT(text.size(), 5'000U);
  EXPECT_EQ(text.back(), '\n');
}

TEST(StoreLogger, LeavesMessagesOutWhenNothingCanBeWritten) {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink("/dev/full", directory.path() / "LOG");
  const auto full = make_store_logger(directory.path() / "LOG");
  for (int i = 0; i < 3; ++i) rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, full, "line %d", i);
  const auto nowhere = make_store_logger(directory.path() / "no folder" / "LOG");
  rocksdb::Log(rocksdb::InfoLogLevel::ERROR_LEVEL, nowhere, "line");
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "no folder"));
}

}  // namespace
}  // namespace meterstream
