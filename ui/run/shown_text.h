#pragma once

#include <QString>

#include <cstddef>
#include <string_view>

namespace zen::ui {

/// Text from a model, file or error for a text view: repaired UTF-8 through displayText().
QString shownText(std::string_view utf8);

/// Its beginning as one line of at most `limit` characters, for labels and table cells: cheap for
/// texts of any length.
QString shownLine(std::string_view utf8, qsizetype limit = 300);

/// A message as a sentence of its own: a capital first (but in a name, a path or a key) and a full
/// stop last.
QString sentence(QString words);

} // namespace zen::ui
