#include "ui/form/memory_card.h"

#include "ui/shell/plain_label.h"
#include "ui/shell/studio_style.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLocale>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <numeric>

namespace zen::ui {

namespace {

constexpr int kMostParts = 6;

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
    const bool rollout = plan.rollout() > plan.update();
    const auto gb = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e9; };
    std::vector<BarPart> parts{
        { MemoryCard::tr("weights"), gb(plan.weights), &Theme::loss },
        { MemoryCard::tr("adapter, optimiser"), gb(plan.adapter), &Theme::reward },
        rollout
            ? BarPart{ MemoryCard::tr("key-value cache"), gb(plan.kv_cache), &Theme::perplexity }
            : BarPart{ MemoryCard::tr("activations"), gb(plan.activations), &Theme::perplexity },
        { MemoryCard::tr("logits chunk"), gb(plan.logits), &Theme::kl },
        { MemoryCard::tr("program"), gb(plan.program + plan.overhead), &Theme::entropy },
    };
    std::erase_if(parts, [](const BarPart& part) { return part.value < 0.005; });
    return parts;
}

MemoryCard::MemoryCard(QWidget* parent)
    : Card(tr("Memory plan"), parent)
    , m_total(new PlainLabel)
    , m_of(new PlainLabel)
    , m_bar(new StackedBar(this))
    , m_legend(new QWidget(this))
    , m_note(new PlainLabel({}, this))
{
    setObjectName(QStringLiteral("memoryCard"));
    m_total->setType(13, QFont::DemiBold)->setObjectName(QStringLiteral("memoryTotal"));
    m_of->setTone(Tone::muted);
    addTitleWidget(m_total);
    addTitleWidget(m_of);
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
    m_note->setType(11)->setTone(Tone::warning);
    m_note->setObjectName(QStringLiteral("memoryNote"));
    m_note->setWordWrap(true);
    body()->addWidget(m_note);
    m_note->hide();
}

void MemoryCard::showPlan(
    const MemoryPlan& plan, std::uint64_t free_bytes, double published_gb, const QString& advice)
{
    const double need = static_cast<double>(plan.peak()) / 1e9;
    const double free = static_cast<double>(free_bytes) / 1e9;
    m_total->setText(gigabytes(need, need < 10 ? 1 : 0));
    m_total->setTone(need > free ? Tone::error : Tone::ink);
    QString of = tr("of %1 GB free").arg(gigabytes(free, 1));
    if (published_gb > 0)
        of += tr(" · published ~%1").arg(QLocale().toString(published_gb));
    m_of->setText(of);
    const auto parts = partsOf(plan);
    m_bar->setParts(parts, free);
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
    m_note->setTone(Tone::warning);
    m_note->setText(advice);
    m_note->setVisible(!advice.isEmpty());
}

void MemoryCard::showUnknown(const QString& reason)
{
    m_total->clear();
    m_of->clear();
    m_bar->hide();
    m_legend->hide();
    m_note->setTone(Tone::muted);
    m_note->setText(reason);
    m_note->show();
}

} // namespace zen::ui
