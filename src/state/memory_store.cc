#include "state/memory_store.h"

namespace meterstream {

class MemoryStore::Cursor final : public KeyValueCursor {
 public:
  explicit Cursor(Rows rows) : rows_(std::move(rows)), at_(rows_.end()) {}

  void seek(std::string_view key) override { at_ = rows_.lower_bound(key); }
  void seek_for_previous(std::string_view key) override {
    at_ = rows_.upper_bound(key);
    at_ = at_ == rows_.begin() ? rows_.end() : std::prev(at_);
  }
  void next() override { ++at_; }
  void previous() override { at_ = at_ == rows_.begin() ? rows_.end() : std::prev(at_); }
  [[nodiscard]] bool valid() const override { return at_ != rows_.end(); }
  [[nodiscard]] std::string_view key() const override { return at_->first; }
  [[nodiscard]] std::string_view value() const override { return *at_->second; }
  [[nodiscard]] Status status() const override { return {}; }

 private:
  const Rows rows_;
  Rows::const_iterator at_;
};

Status MemoryStore::write(const WriteBatch& batch, Durability /*durability*/) {
  const std::scoped_lock lock(mutex_);
  for (const WriteBatch::Operation& operation : batch.operations()) {
    Rows& rows = spaces_[static_cast<size_t>(operation.space)];
    switch (operation.kind) {
      case WriteBatch::Operation::Kind::kPut:
        rows.insert_or_assign(operation.key, std::make_shared<const std::string>(operation.value));
        break;
      case WriteBatch::Operation::Kind::kErase:
        rows.erase(operation.key);
        break;
      case WriteBatch::Operation::Kind::kEraseRange:
        if (operation.key < operation.value) {
          rows.erase(rows.lower_bound(operation.key), rows.lower_bound(operation.value));
        }
        break;
    }
  }
  return {};
}

Result<std::optional<PinnedValue>> MemoryStore::get(Space space, std::string_view key) const {
  const std::scoped_lock lock(mutex_);
  const Rows& rows = spaces_[static_cast<size_t>(space)];
  const auto found = rows.find(key);
  if (found == rows.end()) return std::optional<PinnedValue>();
  return std::optional<PinnedValue>(PinnedValue{*found->second, found->second});
}

std::unique_ptr<KeyValueCursor> MemoryStore::cursor(Space space) const {
  const std::scoped_lock lock(mutex_);
  return std::make_unique<Cursor>(spaces_[static_cast<size_t>(space)]);
}

}  // namespace meterstream
