// Purpose: the events of Nexmark: persons who open auctions, and bids on them, as JSON.
// Shape: as the benchmark's generator has it: of 50 events 1 is a person, 3 are auctions and 46 bids; half of the bids are for
//        a hot auction, 3/4 by a hot bidder, 3/4 of the auctions by a hot seller. An event depends on the seed and its number alone.
// Units: dateTime and expires in ms since 1970 (UTC). Event n happens n / rate seconds after 2015-07-15T00:00:00Z.
// Thread-safety: none; one object a thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "metering/random_source.h"

namespace meterstream {

struct NexmarkOptions {
  int64_t events = 1'000'000;
  int64_t events_per_second = 10'000;
  uint64_t seed = 1;
};

class NexmarkEvents {
 public:
  enum class Kind : uint8_t { kPerson, kAuction, kBid };
  struct Event {
    Kind kind;
    /// The record's key: the person, the auction, or the auction of the bid.
    std::string_view key;
    std::string_view value;
  };

  explicit NexmarkEvents(NexmarkOptions options) : options_(options) {}
  /// Of event `number`, counted from 0. Points into this object until the next call.
  Event event(int64_t number);

 private:
  void write_person(int64_t number, RandomSource& random);
  void write_auction(int64_t number, RandomSource& random);
  void write_bid(int64_t number, RandomSource& random);
  void finish(int64_t average_bytes, size_t used_bytes, RandomSource& random);
  [[nodiscard]] int64_t time_ms(int64_t number) const;

  NexmarkOptions options_;
  std::string key_;
  std::string value_;
};

}  // namespace meterstream
