#include "connectors/lake/lake_object_name.h"

#include <gtest/gtest.h>

namespace meterstream {
namespace {

TEST(LakeObjectName, PrintsAndReadsTheNamesOfTheDesign) {
  const LakeObjectName name{day_of(1'167'609'600'000), {"metrics", PartitionId(3)}, Offset(17), Offset(4711)};
  EXPECT_EQ(name.path(), "dt=2007-01-01/metrics+3+17+4711.parquet");
  EXPECT_EQ(LakeObjectName::parse(name.path()), name);
}

TEST(LakeObjectName, ReadsTopicsThatHoldAPlus) {
  const LakeObjectName name{0, {"a+b", PartitionId(0)}, Offset(0), Offset(0)};
  EXPECT_EQ(LakeObjectName::parse(name.path()), name);
}

TEST(LakeObjectName, RefusesWhatThisProgramDoesNotWrite) {
  for (const char* path :
       {"", "dt=2007-01-01", "dt=2007-01-01/", "dt=2007-13-01/m+0+1+2.parquet", "dt=2007-01-01/m+0+2+1.parquet",
        "dt=2007-01-01/m+0+1+2.parquet.tmp", "dt=2007-01-01/+0+1+2.parquet", "dt=2007-01-01/m+0+01+2.parquet",
        "dt=2007-01-01/m+-1+1+2.parquet", "dt=2007-01-01/x/m+0+1+2.parquet", "dt=2007-1-01/m+0+1+2.parquet",
        "_uploads/dt=2007-01-01/m+0+1+2.parquet", "dt=2007-01-01/m+0+1+99999999999999999999.parquet", "dt=/.parquet"}) {
    EXPECT_FALSE(LakeObjectName::parse(path)) << path;
  }
}

TEST(LakeObjectName, KnowsTheDateOfTimesBefore1970) {
  EXPECT_EQ(day_of(-1), -1);
  EXPECT_EQ(day_of(-kMsPerDay), -1);
  EXPECT_EQ(day_of(-kMsPerDay - 1), -2);
  EXPECT_EQ(date_text(-1), "1969-12-31");
  EXPECT_EQ(date_text(*parse_date("0001-01-01")), "0001-01-01");
}

}  // namespace
}  // namespace meterstream
