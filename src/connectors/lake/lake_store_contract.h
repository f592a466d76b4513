// Purpose: what every LakeStore must do, run over a directory and over a real S3 server.
// Thread-safety: none. Use: on a store that holds nothing.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "connectors/lake/lake_store.h"

namespace meterstream {

inline std::vector<std::string> paths_in(LakeStore& store, std::string_view directory) {
  std::vector<std::string> paths;
  const auto entries = store.list(directory);
  EXPECT_TRUE(entries) << (entries ? "" : entries.error().message);
  if (!entries) return paths;
  for (const LakeStore::Entry& entry : *entries) paths.push_back(entry.path);
  return paths;
}

inline void check_lake_store_contract(LakeStore& store) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(paths_in(store, ""), Paths());
  EXPECT_EQ(paths_in(store, "nowhere"), Paths());
  const auto missing = store.read("dt=2024-01-01/a");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound) << missing.error().message;
  EXPECT_TRUE(store.remove("dt=2024-01-01/a")) << "what is not there is removed already";

  const std::string bytes("with\0zero", 9);
  ASSERT_TRUE(store.write("dt=2024-01-01/a", bytes));
  ASSERT_TRUE(store.write("dt=2024-01-02/b+0+1", "old"));
  ASSERT_TRUE(store.write("dt=2024-01-02/b+0+1", "the new one"));
  EXPECT_EQ(*store.read("dt=2024-01-01/a"), bytes);
  EXPECT_EQ(*store.read("dt=2024-01-02/b+0+1"), "the new one");
  EXPECT_EQ(paths_in(store, ""), (Paths{"dt=2024-01-01/a", "dt=2024-01-02/b+0+1"}));
  EXPECT_EQ(paths_in(store, "dt=2024-01-02"), Paths{"dt=2024-01-02/b+0+1"});
  const auto entries = store.list("dt=2024-01-02");
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->front().bytes, 11);
  EXPECT_GT(entries->front().modified_ms, 1'700'000'000'000);

  EXPECT_TRUE(store.create("_ranges/x", "first").value());
  EXPECT_FALSE(store.create("_ranges/x", "second").value());
  EXPECT_EQ(*store.read("_ranges/x"), "first");

  ASSERT_TRUE(store.remove("dt=2024-01-01/a"));
  EXPECT_EQ(store.read("dt=2024-01-01/a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(paths_in(store, "dt=2024-01-01"), Paths());

  const std::string large(12'000'000, 'x');
  ASSERT_TRUE(store.write("large", large));
  EXPECT_EQ(*store.read("large"), large);
  ASSERT_TRUE(store.remove("large"));
}

}  // namespace meterstream
