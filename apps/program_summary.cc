#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "apps/json_text.h"
#include "apps/number_text.h"
#include "apps/program_run.h"
#include "apps/terminal_table.h"

namespace meterstream {
namespace {

// From this share of late readings on, something is wrong with the order of the input rather than with a few meters.
constexpr double kManyLate = 0.1;
// Narrower than this, columns that say nothing are left out.
constexpr int kNarrow = 110;

std::string accounting_json(const ViewSummary& summary) {
  const ViewAccounting& a = summary.accounting;
  return fmt::format(
      "{{\"name\":{},\"target\":{},\"read\":{},\"aggregated\":{},\"filtered\":{},\"late\":{},\"duplicate\":{},"
      "\"rejected\":{},\"conflicts\":{},\"cappedAhead\":{},\"faults\":{},\"results\":{},\"balanced\":{}}}",
      json_string(summary.name), json_string(summary.topic), a.read, a.aggregated, a.filtered, a.late, a.duplicate,
      a.rejected, a.conflicts, a.capped_ahead, a.faults, a.results, a.balanced());
}

std::string cluster_json(const ClusterSummary& cluster) {
  std::string text = fmt::format("\"state\":{{\"tasks\":{},\"rebuilt\":{},\"entries\":{}}}", cluster.taken_over,
                                 cluster.rebuilt, cluster.entries_read);
  if (cluster.has_standby)
    text += fmt::format(",\"standby\":{{\"partitions\":{},\"behind\":{}}}", cluster.standby_partitions,
                        cluster.standby_behind);
  return text;
}

void print_json(const ProgramSummary& summary) {
  std::string views;
  for (const ViewSummary& view : summary.views) views += (views.empty() ? "" : ",") + accounting_json(view);
  std::string sinks;
  for (const ViewSummary& sink : summary.sinks) sinks += (sinks.empty() ? "" : ",") + accounting_json(sink);
  fmt::print("{{\"views\":[{}],\"sinks\":[{}],\"records\":{},\"seconds\":{:.3f},\"balanced\":{},\"stopped\":{}{}}}\n",
             views, sinks, summary.records, summary.seconds, summary.balanced(), summary.stopped,
             summary.cluster ? "," + cluster_json(*summary.cluster) : "");
}

struct Number {
  std::string title;
  int64_t ViewAccounting::* count;
  /// Left out of a narrow table when it is 0 in every view.
  bool may_go;
};

/// "metrics_aggregates_86400" as "metrics_…_86400": names of views differ at their ends.
std::string shortened_inside(const std::string& name, size_t width, bool unicode) {
  if (name.size() <= width) return name;
  const size_t kept = width - 1;
  return name.substr(0, kept - kept * 2 / 3) + (unicode ? "…" : "~") + name.substr(name.size() - kept * 2 / 3);
}

/// A narrow terminal also goes without the verdict, which stands below, and then with shorter names.
std::string accounting_table(const std::vector<ViewSummary>& views, const Terminal& terminal) {
  const bool is_narrow = terminal.interactive && terminal.width < kNarrow;
  std::vector<Number> numbers = {
      {"read", &ViewAccounting::read, false},          {"aggregated", &ViewAccounting::aggregated, false},
      {"filtered", &ViewAccounting::filtered, true},   {"late", &ViewAccounting::late, true},
      {"duplicate", &ViewAccounting::duplicate, true}, {"rejected", &ViewAccounting::rejected, true},
      {"windows", &ViewAccounting::results, false}};
  std::erase_if(numbers, [&](const Number& number) {
    return is_narrow && number.may_go && std::all_of(views.begin(), views.end(), [&](const ViewSummary& view) {
             return view.accounting.*number.count == 0;
           });
  });
  std::vector<TerminalTable::Column> columns = {{"view"}};
  size_t width = 0;
  for (const Number& number : numbers) {
    columns.push_back({number.title, TerminalTable::Align::kRight});
    size_t widest = number.title.size();
    for (const ViewSummary& view : views) {
      widest = std::max(widest, grouped_text(view.accounting.*number.count).size());
    }
    width += widest + 2;
  }
  if (!is_narrow) columns.push_back({"identity"});
  constexpr size_t kShortestName = 12;
  const size_t line = is_narrow ? static_cast<size_t>(terminal.width) : SIZE_MAX;
  const size_t name_width = line > width + kShortestName ? line - width : kShortestName;
  TerminalTable table(std::move(columns));
  for (const ViewSummary& view : views) {
    std::vector<std::string> row = {shortened_inside(view.name, name_width, terminal.unicode)};
    for (const Number& number : numbers) row.push_back(grouped_text(view.accounting.*number.count));
    if (!is_narrow) {
      row.push_back(view.accounting.balanced() ? coloured(terminal, Colour::kGreen, "holds")
                                               : coloured(terminal, Colour::kRed, "BROKEN"));
    }
    table.add_row(std::move(row));
  }
  return table.text(terminal);
}

/// What the table has no room for.
std::vector<std::string> remarks_of(const ViewAccounting& a) {
  std::vector<std::string> remarks;
  if (a.conflicts > 0) {
    remarks.push_back(
        fmt::format("{} of the rejected were repeats of a reading with another value", grouped_text(a.conflicts)));
  }
  if (a.capped_ahead > 0) {
    remarks.push_back(fmt::format("{} readings were too far ahead of the clock to move the watermark as far",
                                  grouped_text(a.capped_ahead)));
  }
  if (a.faults > 0) {
    remarks.push_back(fmt::format("{} rows or results had an overflow or a division by zero, which counts as NULL",
                                  grouped_text(a.faults)));
  }
  if (static_cast<double>(a.late) > kManyLate * static_cast<double>(a.read)) {
    remarks.push_back(fmt::format(
        "{} of its readings came too late for their windows. Are there data sets of different years in one topic? Give "
        "each a topic of its own (--topic), or the view a longer grace",
        percent_text(static_cast<double>(a.late), static_cast<double>(a.read))));
  }
  return remarks;
}

/// A remark that is the same for all views once.
void print_remarks(const std::vector<ViewSummary>& views) {
  std::map<std::string, size_t> views_of;
  for (const ViewSummary& view : views) {
    for (const std::string& remark : remarks_of(view.accounting)) ++views_of[remark];
  }
  for (const ViewSummary& view : views) {
    for (const std::string& remark : remarks_of(view.accounting)) {
      const bool is_of_all = views.size() > 1 && views_of[remark] == views.size();
      if (is_of_all && &view != &views.front()) continue;
      fmt::print("{}: {}\n", is_of_all ? "every view" : view.name, remark);
    }
  }
}

}  // namespace

void print_summary(const ProgramSummary& summary, const CommandContext& context) {
  if (context.json) {
    print_json(summary);
    return;
  }
  if (!summary.views.empty()) {
    fmt::print("{}", accounting_table(summary.views, context.output));
    fmt::print("read = aggregated + filtered + late + duplicate + rejected: {}\n",
               summary.balanced() ? "true for every view" : "FALSE; this is a bug, please report it with the data");
  }
  print_remarks(summary.views);
  for (const ViewSummary& sink : summary.sinks) {
    const int64_t rejected = sink.accounting.rejected;
    fmt::print("sink {}: {} records written to {}{}\n", sink.name, grouped_text(sink.accounting.results), sink.place,
               rejected == 0 ? "" : fmt::format(", {} rejected", grouped_text(rejected)));
  }
  if (summary.cluster && summary.cluster->has_standby) {
    fmt::print("standby: copies of {} partitions of other processes, {} records behind\n",
               summary.cluster->standby_partitions, grouped_text(summary.cluster->standby_behind));
  }
  fmt::print("{} records in {} ({}/s)\n", grouped_text(summary.records), elapsed_text(summary.seconds),
             count_text(summary.seconds > 0 ? static_cast<double>(summary.records) / summary.seconds : 0));
}

}  // namespace meterstream
