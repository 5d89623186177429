#include "ui/chat/conversation.h"

#include "ui/run/shown_text.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QHBoxLayout>
#include <QScrollBar>
#include <QTimer>
#include <QVBoxLayout>

namespace zen::ui {

namespace {

PlainLabel* textLabel(QWidget* parent)
{
    auto* label = new PlainLabel({}, parent);
    label->setType(13)->setMono()->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    label->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    return label;
}

} // namespace

ConversationView::ConversationView(QWidget* parent)
    : QScrollArea(parent)
{
    setObjectName(QStringLiteral("conversation"));
    setAccessibleName(tr("Conversation"));
    setFrameShape(QFrame::NoFrame);
    setWidgetResizable(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* content = new QWidget;
    m_layout = new QVBoxLayout(content);
    m_layout->setContentsMargins(0, 0, 8, 0);
    m_layout->setSpacing(10);
    m_layout->addStretch(1);
    setWidget(content);
    viewport()->setAutoFillBackground(false);
    content->setAutoFillBackground(false);
}

void ConversationView::addQuestion(const QString& text)
{
    auto* card = new Card;
    card->setFill(&Theme::accent_tint);
    auto* label = textLabel(card);
    label->setText(displayText(text));
    card->body()->setContentsMargins(14, 10, 14, 10);
    card->body()->addWidget(label);
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addStretch(1);
    layout->addWidget(card, 3);
    m_layout->insertWidget(m_layout->count() - 1, row);
    m_turns.push_back(row);
    scrollToEnd();
}

std::size_t ConversationView::addReply(const std::vector<QString>& names)
{
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    std::vector<Column> columns;
    for (const QString& name : names) {
        auto* card = new Card;
        auto* heading = new PlainLabel(name, card);
        heading->setType(11, QFont::DemiBold)->setTone(Tone::accent);
        Column column{ textLabel(card), new PlainLabel({}, card) };
        column.text->setObjectName(QStringLiteral("replyText"));
        column.note->setType(11)->setTone(Tone::muted)->setWordWrap(true);
        column.note->setObjectName(QStringLiteral("replyNote"));
        card->body()->setContentsMargins(14, 10, 14, 10);
        card->body()->setSpacing(4);
        card->body()->addWidget(heading);
        card->body()->addWidget(column.text);
        card->body()->addWidget(column.note);
        layout->addWidget(card, 1);
        columns.push_back(column);
    }
    if (names.size() == 1)
        layout->addSpacing(80);
    m_layout->insertWidget(m_layout->count() - 1, row);
    m_turns.push_back(row);
    m_replies.push_back(std::move(columns));
    scrollToEnd();
    return m_replies.size() - 1;
}

void ConversationView::setReply(
    std::size_t turn, std::size_t column, const std::string& text, const QString& note)
{
    const Column& target = m_replies[turn][column];
    const bool at_end = verticalScrollBar()->value() >= verticalScrollBar()->maximum() - 8;
    target.text->setText(shownText(text));
    target.text->setVisible(!text.empty());
    target.note->setText(note);
    target.note->setVisible(!note.isEmpty());
    if (at_end)
        scrollToEnd();
}

QString ConversationView::replyText(std::size_t turn, std::size_t column) const
{
    return m_replies[turn][column].text->text();
}

void ConversationView::clear()
{
    for (QWidget* turn : m_turns)
        turn->deleteLater();
    m_turns.clear();
    m_replies.clear();
}

/// After the layout has grown.
void ConversationView::scrollToEnd()
{
    QTimer::singleShot(
        0, this, [this] { verticalScrollBar()->setValue(verticalScrollBar()->maximum()); });
}

} // namespace zen::ui
