#include "connectors/lake/lake_sink_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/saturation.h"
#include "connectors/lake/lake_file.h"

namespace meterstream {
namespace {

/// Each is an object and a request: a backfill or clocks that run wild must not make thousands at once.
constexpr size_t kMostDates = 64;
/// One commit carries them all.
constexpr int64_t kMostRejected = 10'000;

}  // namespace

LakeSinkWriter::LakeSinkWriter(LakeStore& store, TopicPartition source, ValueFormat format, SchemaStore& schemas,
                               LakeSettings settings, const Clock& clock)
    : store_(store),
      source_(std::move(source)),
      settings_(std::move(settings)),
      clock_(clock),
      collector_(format, schemas) {}

std::string LakeSinkWriter::definition() const {
  return fmt::format("lake {}", store_.place());
}

Status LakeSinkWriter::open(Offset next) {
  collector_.clear();
  first_ = next;
  is_started_ = false;
  recorded_.reset();
  last_add_ns_ = began_ns_ = clock_.monotonic_ns();
  return check_start(next);
}

/// A range that begins before `next` must end before it.
Status LakeSinkWriter::check_start(Offset next) {
  ASSIGN_OR_RETURN(const auto entries, store_.list(LakeRange::directory_of(source_)));
  std::optional<LakeRangeName> before;
  for (const LakeStore::Entry& entry : entries) {
    auto name = LakeRangeName::parse(entry.path);
    if (name && name->source == source_ && name->first < next && (!before || before->first < name->first)) {
      before = std::move(name);
    }
  }
  is_beginning_ = !before;
  if (!before) return {};
  const std::string path = LakeRange::path_of(source_, before->first);
  ASSIGN_OR_RETURN(const std::string json, store_.read(path));
  ASSIGN_OR_RETURN(const LakeRange range, LakeRange::parse(path, json));
  if (range.last < next) return {};
  return conflict(fmt::format(
      "lake {}: {} partition {} is to go on at offset {}, and there are objects of the offsets {} to {}. It was filled "
      "from "
      "another position or another log; use another lake, or start at offset {}",
      store_.place(), source_.topic, source_.partition, next, range.first, range.last, range.last.value + 1));
}

Status LakeSinkWriter::start_range() {
  if (is_started_) return {};
  const std::string path = LakeRange::path_of(source_, first_);
  const auto json = store_.read(path);
  if (json) {
    ASSIGN_OR_RETURN(recorded_, LakeRange::parse(path, *json));
  } else if (json.error().code != ErrorCode::kNotFound) {
    return json.error();
  }
  is_started_ = true;
  return {};
}

bool LakeSinkWriter::is_full() const {
  return static_cast<int64_t>(collector_.rows().size()) >= settings_.roll_rows ||
         collector_.record_bytes() >= settings_.roll_bytes || collector_.dates() >= kMostDates ||
         collector_.rejected() >= kMostRejected;
}

/// Ends what must not hold this record.
Status LakeSinkWriter::end_ranges_before(const RecordView& record) {
  RETURN_IF_ERROR(start_range());
  while (recorded_ && record.offset > recorded_->last) {
    RETURN_IF_ERROR(end_range(recorded_->last));
    RETURN_IF_ERROR(start_range());
  }
  if (recorded_ || collector_.records() == 0) return {};
  // The times may be of producers' clocks, which go back, too.
  const int64_t passed_ms = saturating_difference(record.ingest_time.value, collector_.first_ingest_ms());
  if (passed_ms < settings_.roll_interval_ms && passed_ms >= -settings_.roll_interval_ms) return {};
  RETURN_IF_ERROR(end_range(Offset(record.offset.value - 1)));
  return end_ranges_before(record);
}

Status LakeSinkWriter::add(const RecordSet& records, std::vector<Rejected>& rejected) {
  if (records.records.empty()) return {};
  last_add_ns_ = clock_.monotonic_ns();
  RETURN_IF_ERROR(collector_.decode(records.records));
  for (size_t index = 0; index < records.records.size(); ++index) {
    const RecordView& record = records.records[index];
    CHECK(record.offset >= first_);
    RETURN_IF_ERROR(end_ranges_before(record));
    if (collector_.records() == 0) began_ns_ = last_add_ns_;
    if (auto reason = collector_.take()) rejected.push_back({index, *std::move(reason)});
    const bool is_end = recorded_ ? record.offset == recorded_->last : is_full();
    if (is_end) RETURN_IF_ERROR(end_range(record.offset));
  }
  return {};
}

Result<Offset> LakeSinkWriter::settle(Offset next, Settle how) {
  constexpr int64_t kNsPerMs = 1'000'000;
  if (next == first_) return first_;
  RETURN_IF_ERROR(start_range());
  if (recorded_ && recorded_->last < next) {
    RETURN_IF_ERROR(end_range(recorded_->last));
    return settle(next, how);
  }
  const int64_t now_ns = clock_.monotonic_ns();
  const bool is_idle = (now_ns - last_add_ns_) / kNsPerMs >= settings_.idle_flush_ms;
  // Later than an end by the records' times, so that theirs comes first where they are right.
  const bool is_old = (now_ns - began_ns_) / kNsPerMs - settings_.idle_flush_ms >= settings_.roll_interval_ms;
  if (how == Settle::kPeriodic && ((!is_idle && !is_old) || recorded_)) return first_;
  if (recorded_) {
    return conflict(
        fmt::format("lake {}: {} partition {} has objects of the offsets {} to {}, and its records end before {}: the "
                    "lake was filled "
                    "from another log. Use another lake",
                    store_.place(), source_.topic, source_.partition, first_, recorded_->last, next));
  }
  RETURN_IF_ERROR(end_range(Offset(next.value - 1)));
  return first_;
}

Result<LakeRange> LakeSinkWriter::encode_range(Offset last, std::vector<std::string>& bodies) {
  LakeRange range;
  range.source = source_;
  range.first = first_;
  range.last = last;
  range.is_beginning = is_beginning_;
  range.records = collector_.records();
  range.rejected = collector_.rejected();
  range.fingerprint = collector_.fingerprint();
  for (const LakeDay& day : days_of(collector_.rows())) {
    const LakeObjectName name{day.day, source_, first_, last};
    ASSIGN_OR_RETURN(std::string body, encode_lake_file(name, collector_.rows(), day.order, settings_.zstd_level));
    range.objects.push_back(
        {day.day, static_cast<int64_t>(day.order.size()), static_cast<int64_t>(body.size()), crc32c(body)});
    bodies.push_back(std::move(body));
  }
  return range;
}

/// After it, every writer ends a range that begins at first_ where this one does.
Status LakeSinkWriter::record_range(const LakeRange& range) {
  if (!recorded_) {
    ASSIGN_OR_RETURN(const bool created, store_.create(range.path(), range.json()));
    if (created) return {};
    return unavailable(fmt::format("lake {}: another writer has taken the offsets of {} partition {} from {} on",
                                   store_.place(), source_.topic, source_.partition, first_));
  }
  CHECK(recorded_->last == range.last);
  if (recorded_->fingerprint != range.fingerprint || recorded_->records != range.records) {
    return conflict(
        fmt::format("lake {}: the offsets {} to {} of {} partition {} hold other records there: it was filled from "
                    "another log. Use "
                    "another lake",
                    store_.place(), range.first, range.last, source_.topic, source_.partition));
  }
  // A schema that was unknown then may be known now; another version of Arrow may write other bytes.
  if (*recorded_ == range) return {};
  RETURN_IF_ERROR(check_merged(range));
  return store_.write(range.path(), range.json());
}

/// A merged object has the readings that were recorded when it was made. Its name also covers ranges that had none then.
Status LakeSinkWriter::check_merged(const LakeRange& range) {
  const auto readings_on = [](const LakeRange& of, int64_t day) {
    const auto found = std::ranges::find(of.objects, day, &LakeRange::Object::day);
    return found == of.objects.end() ? 0 : found->readings;
  };
  for (const LakeRange* either : std::initializer_list<const LakeRange*>{&range, &*recorded_}) {
    for (const LakeRange::Object& object : either->objects) {
      const int64_t before = readings_on(*recorded_, object.day);
      const int64_t now = readings_on(range, object.day);
      if (before == now) continue;
      ASSIGN_OR_RETURN(const bool merged, is_merged(range.name_of(object)));
      if (!merged) continue;
      return conflict(
          fmt::format("lake {}: the offsets {} to {} of {} partition {} held {} readings of {} when compaction merged "
                      "that date, and "
                      "hold {} now: the schema store knew other schemas then. What was merged cannot be changed; start "
                      "behind offset "
                      "{}, or fill another lake from the beginning",
                      store_.place(), range.first, range.last, source_.topic, source_.partition, before,
                      date_text(object.day), now, range.last));
    }
  }
  return {};
}

/// Whether a larger object covers it.
Result<bool> LakeSinkWriter::is_merged(const LakeObjectName& object) {
  ASSIGN_OR_RETURN(const auto entries, store_.list(fmt::format("dt={}", date_text(object.day))));
  return std::ranges::any_of(entries, [&](const LakeStore::Entry& entry) {
    const auto name = LakeObjectName::parse(entry.path);
    return name && *name != object && name->source == object.source && name->covers(object.first, object.last);
  });
}

Status LakeSinkWriter::write_objects(const LakeRange& range, const std::vector<std::string>& bodies) {
  for (size_t i = 0; i < bodies.size(); ++i) {
    const LakeObjectName name = range.name_of(range.objects[i]);
    if (recorded_) {
      ASSIGN_OR_RETURN(const bool merged, is_merged(name));
      if (merged) continue;
    }
    RETURN_IF_ERROR(store_.write(name.path(), bodies[i]));
  }
  if (!recorded_) return {};
  for (const LakeRange::Object& old : recorded_->objects) {
    if (std::ranges::find(range.objects, old.day, &LakeRange::Object::day) == range.objects.end()) {
      RETURN_IF_ERROR(store_.remove(range.name_of(old).path()));
    }
  }
  return {};
}

Status LakeSinkWriter::end_range(Offset last) {
  std::vector<std::string> bodies;
  ASSIGN_OR_RETURN(const LakeRange range, encode_range(last, bodies));
  RETURN_IF_ERROR(record_range(range));
  RETURN_IF_ERROR(write_objects(range, bodies));
  collector_.clear();
  is_beginning_ = false;
  first_ = Offset(last.value + 1);
  is_started_ = false;
  recorded_.reset();
  return {};
}

}  // namespace meterstream
