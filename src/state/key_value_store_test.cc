#include <filesystem>

#include "state/memory_store.h"
#include "state/rocksdb_store.h"
#include "testing/faulty_key_value_store.h"
#include "testing/key_value_store_contract.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

class MemoryStoreSubject final : public KeyValueStoreSubject {
 public:
  KeyValueStore& store() override { return store_; }
  void reopen() override {}  // its rows are gone with the process by design

 private:
  MemoryStore store_;
};

class FaultySubject final : public KeyValueStoreSubject {
 public:
  KeyValueStore& store() override { return *store_; }
  void reopen() override { store_ = store_->crash(StoreCrash::kProcessKilled); }

 private:
  std::unique_ptr<FaultyKeyValueStore> store_ = std::make_unique<FaultyKeyValueStore>();
};

class RocksDbSubject final : public KeyValueStoreSubject {
 public:
  RocksDbSubject() { open(); }
  KeyValueStore& store() override { return *store_; }
  void reopen() override {
    store_.reset();
    open();
  }

 private:
  void open() {
    auto store = RocksDbStore::open(directory_.path());
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
  }
  TemporaryDirectory directory_;
  std::unique_ptr<RocksDbStore> store_;
};

template <class Subject>
std::unique_ptr<KeyValueStoreSubject> make() {
  return std::make_unique<Subject>();
}

INSTANTIATE_TEST_SUITE_P(Memory, KeyValueStoreContract, testing::Values(&make<MemoryStoreSubject>));
INSTANTIATE_TEST_SUITE_P(Faulty, KeyValueStoreContract, testing::Values(&make<FaultySubject>));
INSTANTIATE_TEST_SUITE_P(RocksDb, KeyValueStoreContract, testing::Values(&make<RocksDbSubject>));

}  // namespace
}  // namespace meterstream
