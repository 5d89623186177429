#include "ui/form/memory_card.h"

#include "core/base/byte_text.h"
#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/studio_style.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLocale>
#include <QMenu>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <numeric>

namespace zen::ui {

namespace {

constexpr int kMostParts = 7;

QString gigabytes(double value, int digits)
{
    return QLocale().toString(value, 'f', digits);
}

} // namespace

StackedBar::StackedBar(QWidget* parent)
    : QWidget(parent)
{
    setFixedHeight(16);
    setAccessibleName(tr("Memory by purpose"));
}

void StackedBar::setParts(std::vector<BarPart> parts, double limit)
{
    m_parts = std::move(parts);
    m_limit = limit;
    QStringList words;
    for (const BarPart& part : m_parts)
        words += tr("%1 %2 GB").arg(part.name, gigabytes(part.value, 2));
    setAccessibleDescription(words.join(QStringLiteral(", ")));
    setToolTip(plainToolTip(words.join(QLatin1Char('\n'))));
    update();
}

void StackedBar::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    QPainterPath shape;
    shape.addRoundedRect(rect(), 4, 4);
    painter.setClipPath(shape);
    painter.fillRect(rect(), theme.track);
    const double total = std::accumulate(m_parts.begin(), m_parts.end(), 0.0,
        [](double sum, const BarPart& part) { return sum + part.value; });
    const double scale = std::max(total, m_limit);
    if (scale <= 0)
        return;
    double x = 0;
    for (const BarPart& part : m_parts) {
        const double width = part.value / scale * this->width();
        painter.fillRect(QRectF(x, 0, width, height()), theme.*part.color);
        x += width;
    }
    if (total > m_limit && m_limit > 0) {
        const double limit = m_limit / scale * width();
        painter.fillRect(QRectF(limit - 1, 0, 2, height()), theme.panel);
        painter.setPen(Qt::NoPen);
        painter.setBrush(QBrush(theme.error, Qt::BDiagPattern));
        painter.drawRect(QRectF(limit + 1, 0, width() - limit - 1, height()));
    }
}

std::vector<BarPart> partsOf(const MemoryPlan& plan)
{
    const PhaseMemory& phase = plan.largest();
    const auto gb = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e9; };
    std::vector<BarPart> parts{
        { MemoryCard::tr("weights"), gb(phase.weights), &Theme::loss },
        { MemoryCard::tr("adapter"), gb(phase.adapter), &Theme::reward },
        { MemoryCard::tr("optimiser"), gb(phase.optimizer), &Theme::entropy },
        { MemoryCard::tr("key-value cache"), gb(phase.cache), &Theme::perplexity },
        { MemoryCard::tr("activations"), gb(phase.activations), &Theme::kl },
        { MemoryCard::tr("logits"), gb(phase.logits), &Theme::ink },
        { MemoryCard::tr("program, overhead"), gb(phase.program + phase.rollouts + phase.overhead),
            &Theme::muted },
    };
    std::erase_if(parts, [](const BarPart& part) { return part.value < 0.005; });
    return parts;
}

QString describe(const Proposal& proposal)
{
    return MemoryCard::tr("%1: %2 (%3)")
        .arg(QString::fromStdString(proposal.fix.label),
            QString::fromStdString(formatBytes(proposal.peak)),
            QString::fromStdString(proposal.cost));
}

MemoryCard::MemoryCard(QWidget* parent)
    : Card(tr("Memory plan"), parent)
    , m_total(new PlainLabel)
    , m_of(new PlainLabel)
    , m_bar(new StackedBar(this))
    , m_legend(new QWidget(this))
    , m_phase(new PlainLabel({}, this))
    , m_note(new PlainLabel({}, this))
{
    setObjectName(QStringLiteral("memoryCard"));
    m_total->setType(13, QFont::DemiBold)->setObjectName(QStringLiteral("memoryTotal"));
    m_of->setTone(Tone::muted);
    addTitleWidget(m_total);
    addTitleWidget(m_of);
    m_bar->setObjectName(QStringLiteral("memoryBar"));
    body()->addWidget(m_bar);
    auto* grid = new QGridLayout(m_legend);
    grid->setContentsMargins(0, 2, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(2);
    for (int index = 0; index < kMostParts; ++index) {
        auto* dot = new Dot(&Theme::muted, m_legend);
        auto* text = new PlainLabel({}, m_legend);
        text->setType(11)->setElided();
        const int column = index % 2 * 2;
        grid->addWidget(dot, index / 2, column);
        grid->addWidget(text, index / 2, column + 1);
        m_legend_dots.push_back(dot);
        m_legend_texts.push_back(text);
    }
    grid->setColumnStretch(1, 1);
    grid->setColumnStretch(3, 1);
    body()->addWidget(m_legend);
    m_phase->setType(11)->setTone(Tone::muted);
    m_phase->setObjectName(QStringLiteral("memoryPhase"));
    m_phase->setWordWrap(true);
    body()->addWidget(m_phase);
    m_note->setType(11)->setTone(Tone::warning);
    m_note->setObjectName(QStringLiteral("memoryNote"));
    m_note->setWordWrap(true);
    body()->addWidget(m_note);
    m_note->hide();
    buildActions();
}

void MemoryCard::buildActions()
{
    m_actions = new QWidget(this);
    auto* row = new QHBoxLayout(m_actions);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(8);
    m_make_it_fit = plainButton(tr("Make it fit"), {}, m_actions);
    m_make_it_fit->setObjectName(QStringLiteral("makeItFit"));
    connect(m_make_it_fit, &QPushButton::clicked, this, [this] {
        if (!m_proposals.empty())
            Q_EMIT fixAccepted(m_proposals.front().fix);
    });
    m_ways = linkButton(tr("Other ways"), m_actions);
    m_ways->setObjectName(QStringLiteral("otherWays"));
    m_ways->setToolTip(tr("Each is enough by itself"));
    connect(m_ways, &QPushButton::clicked, this, &MemoryCard::showWays);
    row->addWidget(m_make_it_fit);
    row->addWidget(m_ways);
    row->addStretch(1);
    body()->addWidget(m_actions);
    m_actions->hide();

    m_applied = new QWidget(this);
    auto* applied_row = new QHBoxLayout(m_applied);
    applied_row->setContentsMargins(0, 0, 0, 0);
    m_applied_text = new PlainLabel({}, m_applied);
    m_applied_text->setObjectName(QStringLiteral("memoryApplied"));
    m_applied_text->setType(11)->setTone(Tone::muted);
    m_applied_text->setWordWrap(true);
    auto* undo = linkButton(tr("Undo"), m_applied);
    undo->setObjectName(QStringLiteral("memoryUndo"));
    undo->setFixedHeight(24);
    connect(undo, &QPushButton::clicked, this, &MemoryCard::undoRequested);
    applied_row->addWidget(m_applied_text, 1);
    applied_row->addWidget(undo, 0, Qt::AlignTop);
    applied_row->addSpacing(-kLinkPadding);
    body()->addWidget(m_applied);
    m_applied->hide();
}

void MemoryCard::showPlan(const ShownPlan& shown)
{
    const double need = static_cast<double>(shown.plan.peak()) / 1e9;
    const double free = static_cast<double>(shown.free_bytes) / 1e9;
    m_total->setText(gigabytes(need, need < 10 ? 1 : 0));
    m_total->setTone(shown.fits() ? Tone::ink : Tone::error);
    QString of = tr("of %1 GB free").arg(gigabytes(free, 1));
    if (shown.published_gb > 0)
        of += tr(" · published ~%1").arg(QLocale().toString(shown.published_gb));
    m_of->setText(of);
    const auto parts = partsOf(shown.plan);
    m_bar->setParts(parts, free);
    showParts(parts);
    QString phase
        = tr("Fullest in the %1.").arg(QString::fromUtf8(nameOf(shown.plan.largestPhase()).data()));
    if (shown.at_most > shown.plan.peak() + shown.plan.peak() / 20)
        phase += tr(" With rows as long as the data's; at most %1 if all filled the context.")
                     .arg(QString::fromStdString(formatBytes(shown.at_most)));
    m_phase->setText(phase);
    m_phase->show();
    m_proposals = shown.proposals;
    QString advice;
    if (!shown.fits())
        advice = m_proposals.empty()
            ? tr("Does not fit, whatever is turned down. Export it, or choose a smaller tier.")
            : tr("Does not fit. This would be enough:\n%1").arg(describe(m_proposals.front()));
    m_note->setTone(Tone::warning);
    m_note->setText(advice);
    m_note->setVisible(!advice.isEmpty());
    m_actions->setVisible(!m_proposals.empty());
    m_ways->setVisible(m_proposals.size() > 1);
}

void MemoryCard::showParts(const std::vector<BarPart>& parts)
{
    m_bar->show();
    m_legend->show();
    for (std::size_t index = 0; index < m_legend_texts.size(); ++index) {
        const bool used = index < parts.size();
        m_legend_texts[index]->setVisible(used);
        m_legend_dots[index]->setVisible(used);
        if (used) {
            m_legend_texts[index]->setText(
                QStringLiteral("%1 %2").arg(parts[index].name, gigabytes(parts[index].value, 2)));
            m_legend_dots[index]->setColor(parts[index].color);
        }
    }
}

void MemoryCard::showUnknown(const QString& reason)
{
    m_total->clear();
    m_of->clear();
    m_bar->hide();
    m_legend->hide();
    m_phase->hide();
    m_proposals.clear();
    m_actions->hide();
    m_note->setTone(Tone::muted);
    m_note->setText(reason);
    m_note->show();
}

void MemoryCard::showApplied(const QString& label)
{
    m_applied_text->setText(label.isEmpty() ? QString() : tr("%1, so that it fits.").arg(label));
    m_applied->setVisible(!label.isEmpty());
}

void MemoryCard::showWays()
{
    QMenu menu(this);
    menu.setObjectName(QStringLiteral("waysMenu"));
    for (std::size_t index = 1; index < m_proposals.size(); ++index)
        connect(menu.addAction(describe(m_proposals[index])), &QAction::triggered, this,
            [this, fix = m_proposals[index].fix] { Q_EMIT fixAccepted(fix); });
    menu.exec(m_ways->mapToGlobal(QPoint(0, m_ways->height())));
}

} // namespace zen::ui
