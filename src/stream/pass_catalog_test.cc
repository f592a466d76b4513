#include "stream/pass_catalog.h"

#include <gtest/gtest.h>

#include "testing/view_pipeline.h"

namespace meterstream {
namespace {

class PassCatalogTest : public testing::Test {
 protected:
  [[nodiscard]] ViewSpec view(std::string name, int64_t size_ms) const {
    ViewSpec view = standard_view(stream_, size_ms, 300'000);
    view.name = std::move(name);
    return view;
  }
  static std::vector<RegisteredPass> entries(const std::vector<PlannedPass>& planned) {
    std::vector<RegisteredPass> registered;
    registered.reserve(planned.size());
    for (const PlannedPass& pass : planned) registered.push_back(pass.entry);
    return registered;
  }
  std::shared_ptr<const StreamSpec> stream_ = standard_stream();
};

TEST_F(PassCatalogTest, NewViewsOfOneStreamShareAPass) {
  const auto planned = plan_passes({view("minutes", 60'000), view("hours", 3'600'000)}, {});
  ASSERT_TRUE(planned) << planned.error().message;
  ASSERT_EQ(planned->size(), 1U);
  EXPECT_EQ(planned->front().entry.name, "minutes");
  EXPECT_EQ(planned->front().spec.views.size(), 2U);
  EXPECT_TRUE(planned->front().is_new);
  EXPECT_TRUE(planned->front().task_per_partition);
}

TEST_F(PassCatalogTest, ViewsWhoseGroupsCrossPartitionsRunApart) {
  ViewSpec by_gateway = view("by-gateway", 60'000);
  by_gateway.group_by.resize(1);
  const auto planned = plan_passes({view("minutes", 60'000), by_gateway}, {});
  ASSERT_TRUE(planned);
  ASSERT_EQ(planned->size(), 2U);
  EXPECT_FALSE((*planned)[1].task_per_partition);
}

TEST_F(PassCatalogTest, AnExistingPassIsTakenUpAndNewViewsGetTheirOwn) {
  const auto first = plan_passes({view("minutes", 60'000), view("hours", 3'600'000)}, {});
  ASSERT_TRUE(first);
  const auto again =
      plan_passes({view("days", 86'400'000), view("hours", 3'600'000), view("minutes", 60'000)}, entries(*first));
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->size(), 2U);
  EXPECT_FALSE((*again)[0].is_new);
  EXPECT_EQ((*again)[0].spec.layout(), first->front().spec.layout());
  EXPECT_TRUE((*again)[1].is_new);
  EXPECT_EQ((*again)[1].entry.name, "days");
}

TEST_F(PassCatalogTest, AChangedOrMissingViewIsAConflictThatNamesIt) {
  const auto first = plan_passes({view("minutes", 60'000), view("hours", 3'600'000)}, {});
  ASSERT_TRUE(first);
  const auto changed = plan_passes({view("minutes", 120'000), view("hours", 3'600'000)}, entries(*first));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kConflict);
  EXPECT_NE(changed.error().message.find("minutes"), std::string::npos);
  const auto missing = plan_passes({view("minutes", 60'000)}, entries(*first));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kConflict);
  EXPECT_NE(missing.error().message.find("view hours is missing"), std::string::npos);
}

TEST_F(PassCatalogTest, PassesOfOtherProgramsAreLeftAlone) {
  const auto other = plan_passes({view("others", 60'000)}, {});
  const auto planned = plan_passes({view("minutes", 60'000)}, entries(*other));
  ASSERT_TRUE(planned);
  ASSERT_EQ(planned->size(), 1U);
  EXPECT_EQ(planned->front().entry.name, "minutes");
}

TEST_F(PassCatalogTest, EntriesReadBackAndRubbishIsCorrupt) {
  const RegisteredPass pass{"minutes", {{"minutes", 0x123456789abcdef0}, {"a name with spaces", 7}}};
  const std::string value = encode_registered_pass(pass);
  EXPECT_EQ(*decode_registered_pass("minutes", value), pass);
  for (size_t size = 0; size < value.size(); ++size) {
    const auto cut = decode_registered_pass("minutes", std::string_view(value).substr(0, size));
    if (!cut) continue;
    EXPECT_EQ(cut->views.size(), 1U) << size;  // whole lines only
  }
  EXPECT_EQ(decode_registered_pass("minutes", "{}").error().code, ErrorCode::kCorrupt);
}

TEST_F(PassCatalogTest, NamesAreFitForTopics) {
  EXPECT_EQ(topic_name_part("aggregates 60/\xc3\xa4.x-1"), "aggregates_60___.x-1");
}

}  // namespace
}  // namespace meterstream
