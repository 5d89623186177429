#include "ui/rollouts/token_view.h"

#include "ui/run/shown_text.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/studio_style.h"

#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace zen::ui {

namespace {

constexpr int kTokenPadding = 14;
constexpr int kSide = 4; ///< inside a token's box
constexpr double kFullTint = 3.0; ///< nats at which the tint is strongest
constexpr double kStrongest = 0.55;

QString visibleToken(std::string_view bytes)
{
    QString text = QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size()));
    if (text.contains(QChar::ReplacementCharacter)) { // part of a character
        text.clear();
        for (const char byte : bytes)
            text += QStringLiteral("⟨%1⟩")
                        .arg(static_cast<unsigned char>(byte), 2, 16, QLatin1Char('0'))
                        .toUpper();
        return text;
    }
    const bool only_space = text.trimmed().isEmpty();
    text.replace(QLatin1Char('\n'), QStringLiteral("⏎"))
        .replace(QLatin1Char('\t'), QStringLiteral("⇥"));
    text.remove(QLatin1Char('\r'));
    if (only_space)
        return text.replace(QLatin1Char(' '), QStringLiteral("·"));
    return displayText(text.trimmed());
}

} // namespace

TokenView::TokenView(QWidget* parent)
    : QAbstractScrollArea(parent)
{
    setObjectName(QStringLiteral("tokenView"));
    setAccessibleName(tr("Tokens of the completion"));
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setAutoFillBackground(false);
    viewport()->setMouseTracking(true);
}

void TokenView::present(const SampledCompletion& completion, const Tokenizer& tokenizer)
{
    m_tokens.clear();
    m_plain = shownText(completion.text);
    for (std::size_t i = 0; i < completion.ids.size(); ++i) {
        const std::string_view bytes = tokenizer.bytesOf(completion.ids[i]);
        Token token;
        token.text
            = bytes.empty() ? QStringLiteral("⟨%1⟩").arg(completion.ids[i]) : visibleToken(bytes);
        token.has_logprob = i < completion.logprobs.size() && std::isfinite(completion.logprobs[i]);
        token.logprob = token.has_logprob ? completion.logprobs[i] : 0;
        token.starts_word = !bytes.empty() && bytes.front() == ' ';
        token.breaks_line = bytes.find('\n') != std::string_view::npos;
        token.quiet = tokenizer.isSpecial(completion.ids[i])
            || bytes.find_first_not_of(" \t\r\n") == std::string_view::npos;
        m_tokens.push_back(std::move(token));
    }
    m_current = -1;
    verticalScrollBar()->setValue(0);
    arrange();
    Q_EMIT tokenPointed(-1, {});
}

void TokenView::clear()
{
    m_tokens.clear();
    m_plain.clear();
    m_current = -1;
    arrange();
    Q_EMIT tokenPointed(-1, {});
}

QString TokenView::plainText() const
{
    return m_plain;
}

void TokenView::arrange()
{
    const Theme& theme = Theme::of(*this);
    const QFontMetrics metrics(theme.mono(13));
    const int height = metrics.height() + 6;
    const int row = height + 6;
    const int right = viewport()->width() - kTokenPadding;
    int x = kTokenPadding, y = kTokenPadding / 2;
    for (Token& token : m_tokens) {
        const int width = metrics.horizontalAdvance(token.text) + 2 * kSide;
        const int gap = x == kTokenPadding ? 0 : token.starts_word ? 8 : 1;
        if (x + gap + width > right && x > kTokenPadding) {
            x = kTokenPadding;
            y += row;
        } else {
            x += gap;
        }
        token.box = QRect(x, y, width, height);
        x += width;
        if (token.breaks_line) {
            x = kTokenPadding;
            y += row;
        }
    }
    const int document_height = m_tokens.empty() ? 0 : m_tokens.back().box.bottom() + kTokenPadding;
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setSingleStep(row);
    verticalScrollBar()->setRange(0, std::max(0, document_height - viewport()->height()));
    viewport()->update();
}

void TokenView::paintEvent(QPaintEvent* event)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setFont(theme.mono(13));
    const int top = verticalScrollBar()->value();
    const auto first = std::partition_point(m_tokens.begin(), m_tokens.end(),
        [&](const Token& token) { return token.box.bottom() < top + event->rect().top(); });
    for (auto token = first;
         token != m_tokens.end() && token->box.top() <= top + event->rect().bottom(); ++token) {
        const QRectF box = QRectF(token->box).translated(0, -top);
        if (token->has_logprob) {
            QColor tint = theme.perplexity;
            tint.setAlphaF(static_cast<float>(
                kStrongest * std::clamp(-double(token->logprob) / kFullTint, 0.0, 1.0)));
            painter.setPen(Qt::NoPen);
            painter.setBrush(tint);
            painter.drawRoundedRect(box, 4, 4);
        }
        painter.setPen(token->quiet ? theme.muted : theme.ink);
        painter.drawText(box, Qt::AlignCenter | Qt::TextSingleLine, token->text);
        if (m_current >= 0 && token - m_tokens.begin() == m_current)
            paintFocusRing(painter, box, 4, theme);
    }
}

void TokenView::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    arrange();
}

void TokenView::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        arrange();
}

int TokenView::tokenAt(const QPoint& viewport_position) const
{
    const QPoint at = viewport_position + QPoint(0, verticalScrollBar()->value());
    const auto found = std::find_if(m_tokens.begin(), m_tokens.end(),
        [&](const Token& token) { return token.box.contains(at); });
    return found == m_tokens.end() ? -1 : static_cast<int>(found - m_tokens.begin());
}

void TokenView::mouseMoveEvent(QMouseEvent* event)
{
    if (const int index = tokenAt(event->pos()); index >= 0 && index != m_current)
        point(index);
}

void TokenView::mousePressEvent(QMouseEvent* event)
{
    setFocus(Qt::MouseFocusReason);
    point(tokenAt(event->pos()));
}

void TokenView::keyPressEvent(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy)) {
        QApplication::clipboard()->setText(m_plain);
        return;
    }
    const int last = static_cast<int>(m_tokens.size()) - 1;
    if ((event->key() == Qt::Key_Left || event->key() == Qt::Key_Right) && last >= 0) {
        point(std::clamp(m_current + (event->key() == Qt::Key_Right ? 1 : -1), 0, last));
        const QRect box = m_tokens[static_cast<std::size_t>(m_current)].box;
        QScrollBar* bar = verticalScrollBar();
        bar->setValue(std::clamp(bar->value(), box.bottom() + kTokenPadding - viewport()->height(),
            std::max(0, box.top() - kTokenPadding)));
        return;
    }
    QAbstractScrollArea::keyPressEvent(event);
}

void TokenView::point(int index)
{
    m_current = index;
    viewport()->update();
    Q_EMIT tokenPointed(
        index, index < 0 ? QString() : describe(m_tokens[static_cast<std::size_t>(index)]));
}

QString TokenView::describe(const Token& token) const
{
    if (!token.has_logprob)
        return token.text;
    const double probability = std::exp(double(token.logprob));
    return tr("%1   logprob %2 · probability %3 %")
        .arg(token.text,
            QString::number(double(token.logprob), 'f', 2)
                .replace(QLatin1Char('-'), QStringLiteral("−")),
            QString::number(100 * probability, 'f', probability < 0.1 ? 1 : 0));
}

} // namespace zen::ui
