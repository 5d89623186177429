#include "ui/shell/plain_label.h"

#include "ui/shell/theme.h"

#include <QCoreApplication>
#include <QEvent>
#include <QPainter>

namespace zen::ui {

namespace {

constexpr qsizetype kLongestText = 64 * 1024;
constexpr qsizetype kLongestLine = 1000;

bool changesDirection(char16_t unit)
{
    return (unit >= 0x202A && unit <= 0x202E) || (unit >= 0x2066 && unit <= 0x2069)
        || unit == 0x200E || unit == 0x200F;
}

QString visible(const QString& text)
{
    QString result;
    result.reserve(text.size());
    for (const QChar character : text) {
        const char16_t unit = character.unicode();
        if (unit < 0x20 && unit != u'\n' && unit != u'\t')
            result += QChar(0x2400 + unit); // the picture of the control character
        else if (unit == 0x7F)
            result += QChar(0x2421);
        else if (changesDirection(unit))
            result += QStringLiteral("⟨U+%1⟩").arg(unit, 4, 16, QLatin1Char('0')).toUpper();
        else
            result += character;
    }
    return result;
}

QPalette::ColorRole roleOf(Tone tone)
{
    switch (tone) {
    case Tone::muted:
        return QPalette::PlaceholderText;
    case Tone::accent:
        return QPalette::Link;
    case Tone::warning:
        return QPalette::LinkVisited;
    case Tone::error:
        return QPalette::BrightText;
    case Tone::ink:
        break;
    }
    return QPalette::WindowText;
}

} // namespace

PlainLabel::PlainLabel(const QString& text, QWidget* parent)
    : QLabel(parent)
{
    setTextFormat(Qt::PlainText);
    setText(text);
}

PlainLabel* PlainLabel::setType(int size, QFont::Weight weight)
{
    m_size = size;
    m_weight = weight;
    applyFont();
    return this;
}

PlainLabel* PlainLabel::setMono(bool mono)
{
    m_mono = mono;
    applyFont();
    return this;
}

PlainLabel* PlainLabel::setTone(Tone tone)
{
    setForegroundRole(roleOf(tone));
    return this;
}

PlainLabel* PlainLabel::setElided(Qt::TextElideMode mode)
{
    m_elide = mode;
    updateGeometry();
    return this;
}

void PlainLabel::applyFont()
{
    const Theme& theme = Theme::of(*this);
    setFont(m_mono ? theme.mono(m_size, m_weight) : theme.text(m_size, m_weight));
}

QSize PlainLabel::minimumSizeHint() const
{
    const QSize hint = QLabel::minimumSizeHint();
    return m_elide == Qt::ElideNone ? hint : QSize(std::min(hint.width(), 24), hint.height());
}

void PlainLabel::paintEvent(QPaintEvent* event)
{
    if (m_elide == Qt::ElideNone) {
        QLabel::paintEvent(event);
        return;
    }
    QPainter painter(this);
    const QString shown = fontMetrics().elidedText(text(), m_elide, contentsRect().width());
    painter.setPen(
        palette().color(isEnabled() ? QPalette::Active : QPalette::Disabled, foregroundRole()));
    painter.drawText(contentsRect(), static_cast<int>(alignment()) | Qt::TextSingleLine, shown);
    const QString tip = shown == text() ? QString() : plainToolTip(text());
    if (tip != toolTip())
        setToolTip(tip);
}

void PlainLabel::changeEvent(QEvent* event)
{
    QLabel::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        applyFont();
}

QString plainToolTip(const QString& text)
{
    if (text.isEmpty())
        return {};
    return QStringLiteral("<p>")
        + visible(text.left(2000))
              .toHtmlEscaped()
              .replace(QLatin1Char('\n'), QStringLiteral("<br>"))
        + QStringLiteral("</p>");
}

QString displayText(QString text)
{
    const bool cut = text.size() > kLongestText;
    text = visible(text.left(kLongestText));
    QString wrapped;
    wrapped.reserve(text.size() + text.size() / kLongestLine + 1);
    qsizetype column = 0;
    for (const QChar character : std::as_const(text)) {
        column = character == QLatin1Char('\n') ? 0 : column + 1;
        if (column > kLongestLine && !character.isLowSurrogate()) {
            wrapped += QLatin1Char('\n');
            column = 1;
        }
        wrapped += character;
    }
    if (cut)
        wrapped += QLatin1Char('\n')
            + QCoreApplication::translate("PlainText", "… cut here; the file holds the rest");
    return wrapped;
}

} // namespace zen::ui
