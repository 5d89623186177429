#include "ui/run/health_card.h"

#include "ui/shell/plain_label.h"

#include <QHBoxLayout>
#include <QScrollArea>
#include <QVBoxLayout>

namespace zen::ui {

namespace {

ThemeColor colorOf(HealthNote::Level level)
{
    switch (level) {
    case HealthNote::Level::watch:
        return &Theme::warning;
    case HealthNote::Level::bad:
        return &Theme::error;
    case HealthNote::Level::good:
        break;
    }
    return &Theme::accent;
}

QString spoken(HealthNote::Level level)
{
    return level == HealthNote::Level::good ? HealthCard::tr("good")
        : level == HealthNote::Level::watch ? HealthCard::tr("worth watching")
                                            : HealthCard::tr("bad");
}

} // namespace

HealthCard::HealthCard(QWidget* parent)
    : Card(tr("Health"), parent)
    , m_waiting(new PlainLabel(
          tr("A few steps in, this says in plain words how the run is doing."), this))
    , m_rows_layout(new QVBoxLayout)
{
    setObjectName(QStringLiteral("healthCard"));
    m_waiting->setTone(Tone::muted);
    m_waiting->setWordWrap(true);
    auto* content = new QWidget;
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(14, 2, 14, 8);
    layout->setSpacing(6);
    layout->addWidget(m_waiting);
    layout->addLayout(m_rows_layout);
    layout->addStretch(1);
    m_rows_layout->setSpacing(6);
    auto* scroll = new QScrollArea(this);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(content);
    scroll->viewport()->setAutoFillBackground(false);
    content->setAutoFillBackground(false);
    body()->setContentsMargins(0, 0, 0, 0);
    body()->addWidget(scroll);
}

HealthCard::Row& HealthCard::row(std::size_t index)
{
    while (m_rows.size() <= index) {
        auto* widget = new QWidget;
        auto* layout = new QHBoxLayout(widget);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->setSpacing(8);
        Row made{ widget, new Dot(&Theme::accent, widget), new PlainLabel({}, widget),
            new PlainLabel({}, widget) };
        made.finding->setType(13)->setWordWrap(true);
        made.finding->setObjectName(QStringLiteral("healthFinding"));
        made.advice->setType(11)->setTone(Tone::muted)->setWordWrap(true);
        auto* words = new QVBoxLayout;
        words->setSpacing(1);
        words->addWidget(made.finding);
        words->addWidget(made.advice);
        auto* dot_column = new QVBoxLayout;
        dot_column->setContentsMargins(0, 5, 0, 0);
        dot_column->addWidget(made.dot);
        dot_column->addStretch(1);
        layout->addLayout(dot_column);
        layout->addLayout(words, 1);
        m_rows_layout->addWidget(widget);
        m_rows.push_back(made);
    }
    return m_rows[index];
}

void HealthCard::present(const std::vector<HealthNote>& notes)
{
    if (notes == m_notes)
        return;
    m_notes = notes;
    m_waiting->setVisible(notes.empty());
    for (std::size_t i = 0; i < notes.size(); ++i) {
        Row& target = row(i);
        target.dot->setColor(colorOf(notes[i].level));
        target.dot->setAccessibleName(spoken(notes[i].level));
        target.finding->setText(notes[i].finding);
        target.advice->setText(notes[i].advice);
        target.advice->setVisible(!notes[i].advice.isEmpty());
        target.widget->show();
    }
    for (std::size_t i = notes.size(); i < m_rows.size(); ++i)
        m_rows[i].widget->hide();
}

} // namespace zen::ui
