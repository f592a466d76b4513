// Purpose: lines that a person types on a terminal: editing, a history that is kept in a file, completion by Tab.
// Thread-safety: one thread; one object at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace meterstream {

class LineEditor {
 public:
  /// Words that may stand where a word that begins with the given letters is typed.
  using Complete = std::function<std::vector<std::string>(std::string_view beginning)>;

  /// The history is read from and kept in `history_file`; empty: it is forgotten.
  LineEditor(std::string history_file, Complete complete);
  ~LineEditor();

  enum class Outcome : unsigned char { kLine, kInterrupted, kEnd };
  /// `line` comes without its line feed. kInterrupted: Ctrl-C; kEnd: Ctrl-D or the end of the terminal.
  Outcome read(const std::string& prompt, std::string& line);
  /// Keeps a statement, of one line or more, in the history.
  void remember(std::string_view statement);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meterstream
