#include "benchmarks/workload/nexmark_events.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace meterstream {
namespace {

constexpr int64_t kStartMs = 1'436'918'400'000;
// Of each round of events the first are persons, the next auctions, the rest bids.
constexpr int64_t kPersons = 1;
constexpr int64_t kAuctions = 3;
constexpr int64_t kRound = 50;
constexpr int64_t kFirstId = 1'000;
/// The first of so many persons or auctions is hot until as many are there again.
constexpr int64_t kHotEvery = 100;
constexpr int64_t kActivePersons = 1'000;
constexpr int64_t kOpenAuctions = 100;
/// Ids that are not there yet, but may be used.
constexpr int64_t kLead = 10;
constexpr int64_t kChannels = 10'000;

constexpr std::array<std::string_view, 12> kFirstNames = {"Anna",  "Boris", "Chloe", "Dimitra", "Emil",   "Fatima",
                                                          "Goran", "Hana",  "Ivan",  "Julia",   "Kostas", "Lena"};
constexpr std::array<std::string_view, 10> kLastNames = {"Adler",   "Berg",  "Costa", "Duval",  "Eriksen",
                                                         "Fischer", "Gatti", "Hoxha", "Ivanov", "Jansen"};
constexpr std::array<std::string_view, 10> kCities = {"Phoenix",  "Boise",  "Portland", "Seattle", "Denver",
                                                      "Cheyenne", "Helena", "Fresno",   "Oakland", "Tucson"};
constexpr std::array<std::string_view, 6> kStates = {"AZ", "ID", "OR", "WA", "CO", "WY"};
constexpr std::array<std::string_view, 4> kHotChannels = {"Apple", "Google", "Facebook", "Baidu"};

template <size_t size>
std::string_view any_of(const std::array<std::string_view, size>& texts, RandomSource& random) {
  return texts[random.next() % size];
}

int64_t below(int64_t limit, RandomSource& random) {
  return static_cast<int64_t>(random.next() % static_cast<uint64_t>(limit));
}

/// Number of the last person when event `number` happens, itself included.
int64_t last_person(int64_t number) {
  return number / kRound * kPersons + std::min(number % kRound, kPersons - 1);
}

int64_t last_auction(int64_t number) {
  const int64_t in_round = number % kRound;
  if (in_round < kPersons) return number / kRound * kAuctions - 1;
  return number / kRound * kAuctions + std::min(in_round - kPersons, kAuctions - 1);
}

int64_t active_person(int64_t number, RandomSource& random) {
  const int64_t persons = last_person(number) + 1;
  const int64_t active = std::min(persons, kActivePersons);
  return persons - active + below(active + kLead, random);
}

/// From 1 to 100 million cents, the logarithm of which is even.
int64_t any_price(RandomSource& random) {
  return std::llround(std::pow(10.0, random.uniform() * 6.0) * 100.0);
}

void append_letters(std::string& out, int64_t count, RandomSource& random) {
  uint64_t bits = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (i % 12 == 0) bits = random.next();
    out.push_back(static_cast<char>('a' + bits % 26));
    bits /= 26;
  }
}

}  // namespace

int64_t NexmarkEvents::time_ms(int64_t number) const {
  return kStartMs + number * 1'000 / options_.events_per_second;
}

NexmarkEvents::Event NexmarkEvents::event(int64_t number) {
  RandomSource random(RandomSource::mix(options_.seed * 0x9e37'79b9'7f4a'7c15 + static_cast<uint64_t>(number)));
  key_.clear();
  value_.clear();
  const int64_t in_round = number % kRound;
  Kind kind = Kind::kBid;
  if (in_round < kPersons) {
    kind = Kind::kPerson;
    write_person(number, random);
  } else if (in_round < kPersons + kAuctions) {
    kind = Kind::kAuction;
    write_auction(number, random);
  } else {
    write_bid(number, random);
  }
  return {kind, key_, value_};
}

void NexmarkEvents::write_person(int64_t number, RandomSource& random) {
  const int64_t id = kFirstId + last_person(number);
  fmt::format_to(std::back_inserter(key_), "{}", id);
  const std::string_view first_name = any_of(kFirstNames, random);
  fmt::format_to(std::back_inserter(value_), R"({{"id":{},"name":"{} {}","emailAddress":")", id, first_name,
                 any_of(kLastNames, random));
  append_letters(value_, 7, random);
  value_.push_back('@');
  append_letters(value_, 5, random);
  value_ += R"(.com","creditCard":")";
  for (int part = 0; part < 4; ++part)
    fmt::format_to(std::back_inserter(value_), "{}{:04}", part == 0 ? "" : " ", below(10'000, random));
  const std::string_view city = any_of(kCities, random);
  fmt::format_to(std::back_inserter(value_), R"(","city":"{}","state":"{}","dateTime":{})", city,
                 any_of(kStates, random), time_ms(number));
  finish(200, 70, random);
}

void NexmarkEvents::write_auction(int64_t number, RandomSource& random) {
  const int64_t id = kFirstId + last_auction(number);
  const bool is_hot = below(4, random) > 0;
  const int64_t seller = is_hot ? last_person(number) / kHotEvery * kHotEvery : active_person(number, random);
  const int64_t initial = any_price(random);
  // On average until as many auctions as are open have come.
  const int64_t length_ms = time_ms(number + kOpenAuctions * kRound / kAuctions) - time_ms(number);
  fmt::format_to(std::back_inserter(key_), "{}", id);
  fmt::format_to(std::back_inserter(value_), R"({{"id":{},"itemName":")", id);
  append_letters(value_, 3 + below(17, random), random);
  value_ += R"(","description":")";
  append_letters(value_, 3 + below(97, random), random);
  // Each in a statement: the order of arguments is the compiler's.
  const int64_t reserve = initial + any_price(random);
  const int64_t expires_ms = time_ms(number) + 1 + below(std::max<int64_t>(2 * length_ms, 1), random);
  fmt::format_to(std::back_inserter(value_),
                 R"(","initialBid":{},"reserve":{},"dateTime":{},"expires":{},"seller":{},"category":{})", initial,
                 reserve, time_ms(number), expires_ms, kFirstId + seller, 10 + below(5, random));
  finish(500, 110, random);
}

void NexmarkEvents::write_bid(int64_t number, RandomSource& random) {
  const int64_t last = last_auction(number);
  const int64_t lowest = std::max<int64_t>(last - kOpenAuctions, 0);
  const bool is_hot = below(2, random) > 0;
  const int64_t auction = is_hot ? last / kHotEvery * kHotEvery : lowest + below(last - lowest + 1 + kLead, random);
  const bool is_by_hot = below(4, random) > 0;
  // The second of a hundred, so that hot bidders are not hot sellers.
  const int64_t bidder = is_by_hot ? last_person(number) / kHotEvery * kHotEvery + 1 : active_person(number, random);
  fmt::format_to(std::back_inserter(key_), "{}", kFirstId + auction);
  fmt::format_to(std::back_inserter(value_), R"({{"auction":{},"bidder":{},"price":{},"channel":")", kFirstId + auction,
                 kFirstId + bidder, any_price(random));
  const int64_t channel = below(2 * kChannels, random);
  if (channel < kChannels) {
    value_ += kHotChannels[static_cast<size_t>(channel) % kHotChannels.size()];
  } else {
    fmt::format_to(std::back_inserter(value_), "channel-{}", channel - kChannels);
  }
  // A channel always has the same address.
  RandomSource address(static_cast<uint64_t>(channel < kChannels ? channel % 4 : channel));
  value_ += R"(","url":"https://www.nexmark.com/)";
  for (int part = 0; part < 3; ++part) {
    append_letters(value_, 5, address);
    value_.push_back('/');
  }
  fmt::format_to(std::back_inserter(value_), R"(item.htm?query=1","dateTime":{})", time_ms(number));
  finish(100, 32, random);
}

/// Fills the record up to its average size, a fifth more or less.
void NexmarkEvents::finish(int64_t average_bytes, size_t used_bytes, RandomSource& random) {
  const int64_t missing = average_bytes - static_cast<int64_t>(used_bytes);
  const int64_t spread = missing / 5;
  value_ += R"(,"extra":")";
  append_letters(value_, missing - spread + below(2 * spread, random), random);
  value_ += "\"}";
}

}  // namespace meterstream
