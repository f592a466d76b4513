#include "apps/line_editor.h"

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <utility>

#include <histedit.h>
#include <unistd.h>

#include "apps/interrupt.h"
#include "sql/source_text.h"

namespace meterstream {
namespace {

constexpr int kHistoryEntries = 1000;

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool begins_with(std::string_view word, std::string_view beginning) {
  return word.size() >= beginning.size() && equals_ignoring_case(word.substr(0, beginning.size()), beginning);
}

}  // namespace

class LineEditor::Implementation {
 public:
  Implementation(std::string history_file, Complete complete)
      : history_file_(std::move(history_file)), complete_(std::move(complete)) {
    // Texts are UTF-8, whatever else the locale says.
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    editor_ = el_init("meterstream", stdin, stdout, stderr);
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, kHistoryEntries);
    history(history_, &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, &prompt_of);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_GETCFN, &read_character);
    el_set(editor_, EL_ADDFN, "complete-word", "complete the word", &complete_word);
    el_set(editor_, EL_BIND, "^I", "complete-word", nullptr);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  }

  ~Implementation() {
    HistEvent event;
    if (!history_file_.empty()) history(history_, &event, H_SAVE, history_file_.c_str());
    history_end(history_);
    el_end(editor_);
  }

  Outcome read(const std::string& prompt, std::string& line) {
    prompt_ = prompt;
    int length = 0;
    // By itself it shows the prompt first, and a Ctrl-D that is typed in between is lost.
    el_set(editor_, EL_PREP_TERM, 1);
    const char* text = el_gets(editor_, &length);
    if (text == nullptr || length <= 0) {
      if (!Interrupt::take()) return Outcome::kEnd;
      std::fputs("^C\n", stdout);
      el_reset(editor_);
      return Outcome::kInterrupted;
    }
    line.assign(text, static_cast<size_t>(length));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return Outcome::kLine;
  }

  void remember(std::string_view statement) {
    // An entry is a line.
    std::string entry(statement);
    std::ranges::replace(entry, '\n', ' ');
    HistEvent event;
    history(history_, &event, H_ENTER, entry.c_str());
  }

 private:
  static Implementation& of(EditLine* editor) {
    void* own = nullptr;
    el_get(editor, EL_CLIENTDATA, &own);
    return *static_cast<Implementation*>(own);
  }

  static char* prompt_of(EditLine* editor) { return of(editor).prompt_.data(); }

  /// -1 for an interrupt, which libedit's own way of reading would take for nothing.
  static int read_character(EditLine* /*editor*/, wchar_t* character) {
    std::mbstate_t state{};
    while (true) {
      char byte = 0;
      const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
      if (got < 0 && errno == EINTR && !Interrupt::is_requested()) continue;
      if (got < 0) return -1;
      if (got == 0) return 0;
      const size_t used = std::mbrtowc(character, &byte, 1, &state);
      if (used == static_cast<size_t>(-2)) continue;
      if (used == static_cast<size_t>(-1)) {
        state = {};
        continue;
      }
      return 1;
    }
  }

  static unsigned char complete_word(EditLine* editor, int /*character*/) {
    const LineInfo* line = el_line(editor);
    const char* begin = line->cursor;
    while (begin > line->buffer && is_word_character(begin[-1])) --begin;
    const std::string typed(begin, line->cursor);
    std::vector<std::string> words = of(editor).complete_(typed);
    std::erase_if(words, [&](const std::string& word) { return !begins_with(word, typed); });
    std::ranges::sort(words);
    words.erase(std::unique(words.begin(), words.end()), words.end());
    if (words.empty()) return CC_ERROR;
    std::string common = words.front();
    for (const std::string& word : words) {
      while (!begins_with(word, common)) common.pop_back();
    }
    if (words.size() == 1) common += ' ';
    if (common.size() > typed.size()) {
      el_deletestr(editor, static_cast<int>(typed.size()));
      el_insertstr(editor, common.c_str());
      return CC_REFRESH;
    }
    std::fputc('\n', stdout);
    for (const std::string& word : words) std::fprintf(stdout, "%s  ", word.c_str());
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
  }

  std::string history_file_;
  Complete complete_;
  std::string prompt_;
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
};

LineEditor::LineEditor(std::string history_file, Complete complete)
    : implementation_(std::make_unique<Implementation>(std::move(history_file), std::move(complete))) {}
LineEditor::~LineEditor() = default;

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  return implementation_->read(prompt, line);
}

void LineEditor::remember(std::string_view statement) {
  implementation_->remember(statement);
}

}  // namespace meterstream
