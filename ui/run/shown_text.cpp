#include "ui/run/shown_text.h"

#include "ui/shell/plain_label.h"

#include <algorithm>

namespace zen::ui {

namespace {
constexpr std::size_t kBytesOfView = std::size_t{ 1 } << 19; // more than displayText() keeps
}

QString shownText(std::string_view utf8)
{
    const std::string_view head = utf8.substr(0, kBytesOfView);
    return displayText(QString::fromUtf8(head.data(), static_cast<qsizetype>(head.size())));
}

QString shownLine(std::string_view utf8, qsizetype limit)
{
    const std::string_view head = utf8.substr(0, static_cast<std::size_t>(limit) * 8);
    const QString line
        = QString::fromUtf8(head.data(), static_cast<qsizetype>(head.size())).simplified();
    const bool cut = line.size() > limit || head.size() < utf8.size();
    return displayText(line.left(limit)).replace(QLatin1Char('\n'), QLatin1Char(' '))
        + (cut ? QStringLiteral("…") : QString());
}

QString sentence(QString words)
{
    words = words.trimmed();
    const QString first = words.left(words.indexOf(QLatin1Char(' ')));
    const bool is_word = std::all_of(first.begin(), first.end(),
        [](QChar character) { return character.isLower() || character == QLatin1Char(','); });
    if (!words.isEmpty() && is_word)
        words[0] = words[0].toUpper();
    const bool is_open = !words.isEmpty()
        && (words.back().isLetterOrNumber() || QStringLiteral(")\"'").contains(words.back()));
    return is_open ? words + QLatin1Char('.') : words;
}

} // namespace zen::ui
