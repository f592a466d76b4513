#include "log/embedded_log.h"
#include "state/rocksdb_store.h"
#include "testing/event_log_contract.h"
#include "testing/faulty_key_value_store.h"
#include "testing/temporary_directory.h"

namespace meterstream {
namespace {

class MemorySubject final : public EventLogSubject {
 public:
  MemorySubject() { open(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    store_ = store_->crash(StoreCrash::kProcessKilled);
    open();
  }

 private:
  void open() {
    auto log = EmbeddedLog::open(*store_, clock_, {.recent_bytes = 0});
    ASSERT_TRUE(log) << log.error().message;
    log_ = *std::move(log);
  }
  SystemClock clock_;
  std::unique_ptr<FaultyKeyValueStore> store_ = std::make_unique<FaultyKeyValueStore>();
  std::unique_ptr<EmbeddedLog> log_;
};

class RocksDbSubject final : public EventLogSubject {
 public:
  RocksDbSubject() { open(); }
  EventLog& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    store_.reset();
    open();
  }

 private:
  void open() {
    auto store = RocksDbStore::open(directory_.path());
    ASSERT_TRUE(store) << store.error().message;
    store_ = *std::move(store);
    auto log = EmbeddedLog::open(*store_, clock_);
    ASSERT_TRUE(log) << log.error().message;
    log_ = *std::move(log);
  }
  SystemClock clock_;
  TemporaryDirectory directory_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<EmbeddedLog> log_;
};

template <class Subject>
std::unique_ptr<EventLogSubject> make() {
  return std::make_unique<Subject>();
}

INSTANTIATE_TEST_SUITE_P(InMemory, EventLogContract, testing::Values(&make<MemorySubject>));
INSTANTIATE_TEST_SUITE_P(RocksDb, EventLogContract, testing::Values(&make<RocksDbSubject>));

}  // namespace
}  // namespace meterstream
