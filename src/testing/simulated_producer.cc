#include "testing/simulated_producer.h"

#include <limits>

#include <fmt/format.h>

#include "metering/avro_encoder.h"

namespace meterstream {

SimulatedProducer::SimulatedProducer(RandomSource random, SchemaId schema, int32_t partitions)
    : random_(random), schema_(schema), partitions_(partitions), households_(random_.integer(1, 8)) {}

Reading SimulatedProducer::reading(IngestTime now) {
  // Now and then the meters' network delivers late for a while.
  if (random_.integer(0, 39) == 0) behind_ms_ = random_.integer(0, 2) == 0 ? random_.integer(0, 1'200'000) : 0;
  int64_t time_ms = now.value - behind_ms_ - random_.integer(0, 20'000);
  if (random_.integer(0, 9) == 0) time_ms -= random_.integer(0, 900'000);
  if (random_.integer(0, 99) == 0) time_ms -= random_.integer(0, 7 * 86'400'000);
  if (random_.integer(0, 79) == 0) time_ms += random_.integer(0, 4'000'000);
  if (random_.integer(0, 199) == 0) time_ms += random_.integer(0, 10 * 86'400'000LL);
  double value = static_cast<double>(random_.integer(-1'500'000, 500'000)) / 1024.0;
  switch (random_.integer(0, 149)) {
    case 0:
      value = std::numeric_limits<double>::quiet_NaN();
      break;
    case 1:
      value = 3e20;
      break;
    case 2:
      value = -std::numeric_limits<double>::infinity();
      break;
    case 3:
    case 4:
      value *= 1e15;
      break;
    case 5:
      value *= 1e-9;
      break;
    default:
      break;
  }
  const bool water = random_.integer(0, 1) == 0;
  const std::string gateway = fmt::format("household-{}", random_.integer(1, households_));
  return {{gateway, water ? "WATER" : "ELECTRICITY", water ? "WATER_IDD" : "x.y"}, EventTime(time_ms), value};
}

SimulatedProducer::Item SimulatedProducer::item_of(const Reading& reading, IngestTime now) {
  const std::string key = reading.series.text();
  return {partition_for_key(key, partitions_), {key, encode_metric_avro(schema_, reading), now, reading}};
}

SimulatedProducer::Item SimulatedProducer::malformed(IngestTime now) {
  Item item = item_of(reading(now), now);
  item.record.reading.reset();
  std::string& value = *item.record.value;
  switch (random_.integer(0, 5)) {
    case 0:
      value.resize(static_cast<size_t>(random_.integer(0, static_cast<int64_t>(value.size()) - 1)));
      break;
    case 1:
      value[0] = 'x';
      break;
    case 2:  // a schema that nobody registered
      value[1] = 'x';
      break;
    case 3:
      item.record.value.reset();
      break;
    case 4:
      item.record.key.reset();
      item.partition = PartitionId(static_cast<int32_t>(random_.integer(0, partitions_ - 1)));
      value.clear();
      break;
    default:  // a length beyond the end
      value[5] = '\x7e';
      value.resize(20);
      break;
  }
  return item;
}

std::vector<SimulatedProducer::Item> SimulatedProducer::records(size_t count, IngestTime now) {
  std::vector<Item> items;
  while (items.size() < count) {
    if (random_.integer(0, 59) == 0) {
      items.push_back(malformed(now));
      continue;
    }
    Reading one = reading(now);
    if (!recent_.empty() && random_.integer(0, 11) == 0) {
      one = recent_[static_cast<size_t>(random_.integer(0, static_cast<int64_t>(recent_.size()) - 1))];
      if (random_.integer(0, 3) == 0) one.value += 1;
    }
    if (recent_.size() < 40) {
      recent_.push_back(one);
    } else {
      recent_[static_cast<size_t>(random_.integer(0, 39))] = one;
    }
    items.push_back(item_of(one, now));
    // Clients that send no key choose a partition by themselves; here the one the key would have chosen.
    if (random_.integer(0, 49) == 0) items.back().record.key.reset();
  }
  return items;
}

}  // namespace meterstream
