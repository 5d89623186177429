#include "ui/shell/run_strip.h"

#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/icon.h"
#include "ui/shell/page.h"
#include "ui/shell/plain_label.h"

#include <QHBoxLayout>
#include <QLocale>
#include <QPainter>
#include <QProgressBar>
#include <QStackedLayout>

#include <cmath>

namespace zen::ui {

namespace {

QString gigabytes(std::uint64_t bytes)
{
    return QLocale().toString(static_cast<double>(bytes) / 1e9, 'f', 2);
}

/// Two or three significant digits, never an exponent for everyday sizes.
QString shortNumber(double value)
{
    if (!std::isfinite(value))
        return QStringLiteral("–");
    const double size = std::abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e6))
        return QLocale().toString(value, 'e', 1);
    return QLocale().toString(value, 'f', size < 0.01 ? 4 : size < 10 ? 2 : size < 100 ? 1 : 0);
}

} // namespace

RunStrip::RunStrip(QWidget* parent)
    : QWidget(parent)
    , m_stack(new QStackedLayout(this))
{
    setObjectName(QStringLiteral("runStrip"));
    setAccessibleName(tr("Run"));
    setFixedHeight(Theme::of(*this).scaled(52));
    m_stack->setContentsMargins(0, 1, 0, 0);
    m_stack->addWidget(buildPageSide());
    m_stack->addWidget(buildRunSide());
}

QWidget* RunStrip::buildPageSide()
{
    auto* side = new QWidget(this);
    m_page_layout = new QHBoxLayout(side);
    m_page_layout->setContentsMargins(18, 0, 18, 0);
    m_page_layout->setSpacing(12);
    m_message = new PlainLabel({}, side);
    m_message->setObjectName(QStringLiteral("stripMessage"));
    m_message->setTone(Tone::muted)->setElided();
    m_page_layout->addWidget(m_message, 1);
    return side;
}

PlainLabel* RunStrip::addFigure(
    QHBoxLayout* layout, const QString& name, const QString& object_name)
{
    auto* label = new PlainLabel(name, this);
    label->setType(11)->setTone(Tone::muted);
    auto* value = new PlainLabel({}, this);
    value->setType(11, QFont::Medium);
    value->setObjectName(object_name);
    label->setBuddy(value);
    auto* pair = new QHBoxLayout;
    pair->setSpacing(4);
    pair->addWidget(label);
    pair->addWidget(value);
    layout->addLayout(pair);
    return value;
}

QWidget* RunStrip::buildRunSide()
{
    auto* side = new QWidget(this);
    auto* layout = new QHBoxLayout(side);
    layout->setContentsMargins(18, 0, 18, 0);
    layout->setSpacing(16);

    m_pause = plainButton(tr("Pause"), QStringLiteral("pause"), side);
    m_pause->setObjectName(QStringLiteral("pauseButton"));
    m_stop = plainButton(tr("Stop"), QStringLiteral("stop"), side);
    m_stop->setObjectName(QStringLiteral("stopButton"));
    connect(m_pause, &QPushButton::clicked, this, &RunStrip::pauseClicked);
    connect(m_stop, &QPushButton::clicked, this, &RunStrip::stopClicked);
    layout->addWidget(m_pause);
    layout->addWidget(m_stop);

    auto* progress_column = new QVBoxLayout;
    progress_column->setSpacing(4);
    auto* words = new QHBoxLayout;
    m_phase = new PlainLabel({}, side);
    m_phase->setType(11, QFont::DemiBold);
    m_phase->setObjectName(QStringLiteral("stripPhase"));
    m_step = new PlainLabel({}, side);
    m_step->setType(11)->setTone(Tone::muted);
    m_step->setObjectName(QStringLiteral("stripStep"));
    words->addWidget(m_phase, 1);
    words->addWidget(m_step);
    m_progress = new QProgressBar(side);
    m_progress->setTextVisible(false);
    m_progress->setRange(0, 1000);
    m_progress->setFixedHeight(6);
    m_progress->setAccessibleName(tr("Progress of the run"));
    progress_column->addStretch();
    progress_column->addLayout(words);
    progress_column->addWidget(m_progress);
    progress_column->addStretch();
    auto* holder = new QWidget(side);
    holder->setFixedWidth(250);
    holder->setLayout(progress_column);
    progress_column->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(holder);

    m_eta = addFigure(layout, tr("left"), QStringLiteral("stripEta"));
    m_speed = addFigure(layout, tr("rollout"), QStringLiteral("stripSpeed"));
    m_memory = addFigure(layout, tr("memory"), QStringLiteral("stripMemory"));
    layout->addStretch();
    layout->addWidget(new Dot(&Theme::reward, side));
    layout->addSpacing(-10);
    m_reward = addFigure(layout, tr("reward"), QStringLiteral("stripReward"));
    layout->addWidget(new Dot(&Theme::loss, side));
    layout->addSpacing(-10);
    m_loss = addFigure(layout, tr("loss"), QStringLiteral("stripLoss"));
    layout->addWidget(new Dot(&Theme::perplexity, side));
    layout->addSpacing(-10);
    m_perplexity = addFigure(layout, tr("ppl"), QStringLiteral("stripPerplexity"));
    for (PlainLabel* value : { m_reward, m_loss, m_perplexity })
        value->setType(11, QFont::DemiBold);
    return side;
}

void RunStrip::setState(const RunStripState& state)
{
    m_state = state;
    m_stack->setCurrentIndex(state.active ? 1 : 0);
    if (!state.active)
        return;
    const QString none = QStringLiteral("–");
    m_phase->setText(state.phase);
    m_step->setText(state.total > 0 ? tr("step %1 / %2")
                                          .arg(QLocale().toString(qint64(state.step)),
                                              QLocale().toString(qint64(state.total)))
                                    : QString());
    const double fraction = state.fraction >= 0 ? state.fraction
        : state.total > 0 ? static_cast<double>(state.step) / static_cast<double>(state.total)
                          : 0;
    m_progress->setValue(static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 1000));
    m_eta->setText(state.eta.isEmpty() ? none : state.eta);
    m_speed->setText(state.rollout_tokens_per_second > 0
            ? tr("%1 tok/s").arg(QLocale().toString(qRound64(state.rollout_tokens_per_second)))
            : none);
    m_memory->setText(state.memory_planned > 0
            ? tr("%1 of %2 GB planned")
                  .arg(gigabytes(state.memory_now), gigabytes(state.memory_planned))
            : state.memory_now > 0 ? tr("%1 GB").arg(gigabytes(state.memory_now))
                                   : none);
    m_reward->setText(state.reward ? shortNumber(*state.reward) : none);
    m_loss->setText(state.loss ? shortNumber(*state.loss) : none);
    m_perplexity->setText(state.perplexity ? shortNumber(*state.perplexity) : none);
    m_pause->setText(state.paused ? tr("Resume") : tr("Pause"));
    m_pause->setIcon(lineIcon(state.paused ? QStringLiteral("play") : QStringLiteral("pause")));
    m_stop->setText(state.stopping ? tr("Stop now") : tr("Stop"));
    setEnabledOr(m_pause, state.can_pause, state.why_not,
        state.paused ? tr("Go on with the next step")
                     : tr("Wait after this micro-batch; the weights stay in memory"));
    setEnabledOr(m_stop, state.can_stop, state.why_not,
        state.stopping ? tr("End at once, without saving")
                       : tr("Finish this step, save a checkpoint and end"));
}

void RunStrip::showPage(Page* page)
{
    if (m_page) {
        m_page->disconnect(m_message);
        if (m_page->stripActions())
            m_page->stripActions()->hide();
    }
    m_page = page;
    m_message->setText(page ? page->stripMessage() : QString());
    if (!page)
        return;
    connect(page, &Page::stripMessageChanged, m_message, &QLabel::setText);
    if (QWidget* actions = page->stripActions()) {
        if (m_page_layout->indexOf(actions) < 0)
            m_page_layout->addWidget(actions);
        actions->show();
    }
}

void RunStrip::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(this);
    painter.fillRect(rect(), theme.panel);
    painter.fillRect(QRect(0, 0, width(), 1), theme.line);
}

} // namespace zen::ui
