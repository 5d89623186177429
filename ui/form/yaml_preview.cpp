#include "ui/form/yaml_preview.h"

#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QHelpEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QTextBlock>
#include <QToolTip>

#include <algorithm>

namespace zen::ui {

namespace {

/// Where a comment begins: a # at the start or after a space, outside quotes; -1 if there is none.
qsizetype commentStart(const QString& line)
{
    QChar quote;
    for (qsizetype index = 0; index < line.size(); ++index) {
        const QChar character = line[index];
        if (!quote.isNull()) {
            if (character == quote)
                quote = QChar();
        } else if (character == QLatin1Char('"') || character == QLatin1Char('\'')) {
            if (index == 0 || !line[index - 1].isLetterOrNumber())
                quote = character;
        } else if (character == QLatin1Char('#') && (index == 0 || line[index - 1].isSpace())) {
            return index;
        }
    }
    return -1;
}

/// The length of `  - key:` at the start of a line, 0 if it does not start so.
qsizetype keyLength(const QString& line)
{
    for (qsizetype index = 0; index < line.size(); ++index) {
        if (line[index] == QLatin1Char(':')
            && (index + 1 == line.size() || line[index + 1].isSpace()))
            return index + 1;
        if (line[index] == QLatin1Char('#') || line[index] == QLatin1Char('"'))
            return 0;
    }
    return 0;
}

/// The 0-based line in which two texts first differ.
int firstDifference(const QString& left, const QString& right)
{
    int line = 0;
    for (qsizetype index = 0; index < std::min(left.size(), right.size()); ++index) {
        if (left[index] != right[index])
            return line;
        line += left[index] == QLatin1Char('\n');
    }
    return line;
}

QString shortValue(const std::string& text)
{
    constexpr qsizetype kLongest = 16;
    const QString value = displayText(QString::fromStdString(text)).simplified();
    return value.size() <= kLongest ? value : value.left(kLongest - 1) + QStringLiteral("…");
}

} // namespace

YamlHighlighter::YamlHighlighter(QTextDocument* document)
    : QSyntaxHighlighter(document)
{
}

void YamlHighlighter::setTheme(const Theme& theme)
{
    m_key.setForeground(theme.loss);
    m_comment.setForeground(theme.muted);
    rehighlight();
}

void YamlHighlighter::highlightBlock(const QString& text)
{
    if (const qsizetype length = keyLength(text); length > 0)
        setFormat(0, static_cast<int>(length), m_key);
    if (const qsizetype start = commentStart(text); start >= 0)
        setFormat(static_cast<int>(start), static_cast<int>(text.size() - start), m_comment);
}

YamlPreview::YamlPreview(QWidget* parent)
    : TextView(parent)
    , m_highlighter(new YamlHighlighter(document()))
{
    setObjectName(QStringLiteral("yamlPreview"));
    setAccessibleName(tr("YAML as it will be saved"));
    setLineWrapMode(QPlainTextEdit::NoWrap);
    setTabChangesFocus(true);
    m_highlighter->setTheme(Theme::of(*this));
}

void YamlPreview::showDocument(
    const YamlDocument& yaml, const std::vector<EntryChange>& changes, const Diagnostics& findings)
{
    m_marks.clear();
    m_keys.clear();
    for (const YamlEntry& entry : yaml.entries())
        m_keys[entry.line] = QString::fromStdString(entry.key);
    for (const EntryChange& change : changes) {
        for (int line = change.first_line; line > 0 && line <= change.last_line; ++line)
            m_marks[line].changed = true;
        if (change.first_line > 0)
            m_marks[change.first_line].note
                = change.was.empty() ? tr("new") : tr("was %1").arg(shortValue(change.was));
    }
    for (const Diagnostic& finding : findings) {
        if (finding.line <= 0 || finding.severity == Severity::advice)
            continue;
        Mark& mark = m_marks[finding.line];
        if (mark.finding.isEmpty() || finding.severity < mark.severity)
            mark.severity = finding.severity;
        mark.finding += (mark.finding.isEmpty() ? QString() : QStringLiteral("\n"))
            + QString::fromStdString(finding.message);
    }
    const QString text = QString::fromStdString(yaml.text());
    if (const QString shown = displayText(text), before = toPlainText(); shown != before) {
        showText(text);
        if (!before.isEmpty())
            reveal(firstDifference(before, shown));
    }
    viewport()->update();
}

void YamlPreview::reveal(int line)
{
    const int first = firstVisibleBlock().blockNumber();
    const int visible = viewport()->height() / std::max(1, QFontMetrics(font()).lineSpacing());
    if (line < first || line >= first + visible - 1)
        verticalScrollBar()->setValue(std::max(0, line - visible / 2));
}

void YamlPreview::showLine(int line)
{
    const QTextBlock block = document()->findBlockByNumber(line - 1);
    if (!block.isValid())
        return;
    setTextCursor(QTextCursor(block));
    centerCursor();
}

void YamlPreview::paintEvent(QPaintEvent* event)
{
    const Theme& theme = Theme::of(*this);
    const auto forEachMark = [this](const auto& visit) {
        QTextBlock block = firstVisibleBlock();
        for (; block.isValid(); block = block.next()) {
            const QRectF rect = blockBoundingGeometry(block).translated(contentOffset());
            if (rect.top() > viewport()->height())
                break;
            if (const auto mark = m_marks.find(block.blockNumber() + 1); mark != m_marks.end())
                visit(mark->second,
                    QRect(0, qRound(rect.top()), viewport()->width(), qRound(rect.height())));
        }
    };
    const auto tintOf = [&theme](const Mark& mark) {
        if (!mark.finding.isEmpty()) {
            QColor tint = mark.severity == Severity::error ? theme.error : theme.warning;
            tint.setAlphaF(0.14F);
            return tint;
        }
        return theme.accent_tint;
    };
    {
        QPainter painter(viewport());
        forEachMark([&](const Mark& mark, const QRect& rect) {
            if (mark.changed || !mark.finding.isEmpty())
                painter.fillRect(rect, tintOf(mark));
        });
    }
    TextView::paintEvent(event);
    QPainter painter(viewport());
    painter.setFont(font());
    const QFontMetrics metrics(font());
    forEachMark([&](const Mark& mark, const QRect& rect) {
        const QString note = !mark.finding.isEmpty()
            ? (mark.severity == Severity::error ? tr("error") : tr("warning"))
            : mark.note;
        if (note.isEmpty())
            return;
        const int width = metrics.horizontalAdvance(note);
        const QRect place(rect.right() - width - 14, rect.top(), width + 14, rect.height());
        painter.fillRect(
            place.adjusted(-6, 0, 0, 0), mark.finding.isEmpty() ? theme.accent_tint : theme.sunken);
        if (!mark.finding.isEmpty())
            painter.fillRect(place.adjusted(-6, 0, 0, 0), tintOf(mark));
        painter.setPen(mark.finding.isEmpty()      ? theme.muted_on_tint
                : mark.severity == Severity::error ? theme.error
                                                   : theme.warning_text);
        painter.drawText(place.adjusted(0, 0, -14, 0), Qt::AlignVCenter | Qt::AlignRight, note);
    });
}

void YamlPreview::changeEvent(QEvent* event)
{
    TextView::changeEvent(event);
    if (event->type() == QEvent::StyleChange && m_highlighter)
        m_highlighter->setTheme(Theme::of(*this));
}

void YamlPreview::mouseReleaseEvent(QMouseEvent* event)
{
    TextView::mouseReleaseEvent(event);
    if (event->button() != Qt::LeftButton || textCursor().hasSelection())
        return;
    const int line = cursorForPosition(event->position().toPoint()).blockNumber() + 1;
    auto key = m_keys.upper_bound(line);
    if (key != m_keys.begin())
        Q_EMIT keyChosen(std::prev(key)->second);
}

bool YamlPreview::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const auto mark = m_marks.find(cursorForPosition(help->pos()).blockNumber() + 1);
        const QString text = mark == m_marks.end() ? QString() : mark->second.finding;
        QToolTip::showText(help->globalPos(), plainToolTip(text), viewport());
        return true;
    }
    return TextView::viewportEvent(event);
}

} // namespace zen::ui
