#include "ui/run/completions_panel.h"

#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/pill.h"
#include "ui/shell/plain_label.h"

#include <QHBoxLayout>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <numeric>

namespace zen::ui {

namespace {

constexpr std::size_t kMostRows = 12;

/// Rewards of a group differ in what they teach; unscored ones go last.
std::vector<std::size_t> bestFirst(const std::vector<SampledCompletion>& completions)
{
    std::vector<std::size_t> order(completions.size());
    std::iota(order.begin(), order.end(), std::size_t{ 0 });
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return completions[a].reward.value_or(-1e300) > completions[b].reward.value_or(-1e300);
    });
    return order;
}

/// The group that shows most: rewards as different as possible.
std::size_t liveliestGroup(const std::vector<SampledGroup>& groups)
{
    std::size_t best = 0;
    double widest = -1;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        double low = 1e300, high = -1e300;
        for (const SampledCompletion& completion : groups[g].completions)
            if (completion.reward) {
                low = std::min(low, *completion.reward);
                high = std::max(high, *completion.reward);
            }
        if (high - low > widest) {
            widest = high - low;
            best = g;
        }
    }
    return best;
}

} // namespace

QString rewardText(const std::optional<double>& reward)
{
    if (!reward)
        return QStringLiteral("–");
    QString text = QString::number(*reward, 'f', 2);
    if (text.endsWith(QLatin1Char('0')))
        text.chop(1);
    return text == QStringLiteral("-0.0") ? QStringLiteral("0.0") : text;
}

QString promptLine(const std::string& rendered, qsizetype limit)
{
    const std::string_view user = "<|im_start|>user\n";
    std::string_view text = rendered;
    if (const auto at = text.rfind(user); at != std::string_view::npos) {
        text.remove_prefix(at + user.size());
        text = text.substr(0, text.find("<|im_end|>"));
    }
    return shownLine(text, limit);
}

CompletionsPanel::CompletionsPanel(QWidget* parent)
    : QWidget(parent)
    , m_where(new PlainLabel({}, this))
    , m_prompt(new PlainLabel({}, this))
    , m_open(linkButton(tr("open in Rollouts"), this))
    , m_layout(new QVBoxLayout(this))
{
    setObjectName(QStringLiteral("completionsPanel"));
    m_prompt->setObjectName(QStringLiteral("newestPrompt"));
    m_open->setObjectName(QStringLiteral("openInRollouts"));
    m_where->setType(11)->setTone(Tone::muted);
    m_prompt->setType(13)->setElided();
    auto* top = new QHBoxLayout;
    top->addWidget(m_where, 1);
    top->addWidget(m_open);
    m_layout->setContentsMargins(14, 0, 14, 8);
    m_layout->setSpacing(4);
    m_layout->addLayout(top);
    m_layout->addWidget(m_prompt);
    m_layout->addStretch(1);
    connect(m_open, &QPushButton::clicked, this, [this] { Q_EMIT openRequested(m_step); });
    clear();
}

void CompletionsPanel::clear()
{
    m_where->setText(
        tr("What the policy writes appears here with its reward, a few groups a step."));
    m_prompt->clear();
    m_open->hide();
    m_filled = 0;
    showRowsThatFit();
}

CompletionsPanel::Row& CompletionsPanel::row(std::size_t index)
{
    while (m_rows.size() <= index) {
        auto* widget = new QWidget(this);
        auto* layout = new QHBoxLayout(widget);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->setSpacing(8);
        Row made{ widget, new Pill({}, PillTone::outline, widget), new PlainLabel({}, widget) };
        made.reward->setMono(true);
        made.text->setType(13)->setMono()->setElided();
        made.text->setObjectName(QStringLiteral("newestCompletion"));
        layout->addWidget(made.reward);
        layout->addWidget(made.text, 1);
        m_layout->insertWidget(m_layout->count() - 1, widget);
        m_rows.push_back(made);
    }
    return m_rows[index];
}

void CompletionsPanel::present(const CompletionsSampled& sampled)
{
    if (sampled.groups.empty())
        return;
    m_step = static_cast<qint64>(sampled.step);
    const std::size_t chosen = liveliestGroup(sampled.groups);
    const SampledGroup& group = sampled.groups[chosen];
    m_where->setText(
        tr("step %1, prompt %2 of %3").arg(m_step).arg(chosen + 1).arg(sampled.groups.size()));
    m_prompt->setText(promptLine(group.prompt));
    m_open->show();
    const std::vector<std::size_t> order = bestFirst(group.completions);
    const std::size_t shown = std::min(order.size(), kMostRows);
    const double best = shown > 0 ? group.completions[order[0]].reward.value_or(0) : 0;
    for (std::size_t i = 0; i < shown; ++i) {
        const SampledCompletion& completion = group.completions[order[i]];
        Row& target = row(i);
        target.reward->setText(rewardText(completion.reward));
        target.reward->setTone(
            completion.reward && *completion.reward >= best ? PillTone::accent : PillTone::outline);
        target.text->setText(shownLine(completion.text));
    }
    m_filled = shown;
    showRowsThatFit();
}

void CompletionsPanel::showRowsThatFit()
{
    const int row_height
        = m_rows.empty() ? 1 : m_rows.front().reward->sizeHint().height() + m_layout->spacing();
    const int above = m_prompt->sizeHint().height()
        + std::max(m_where->sizeHint().height(), m_open->sizeHint().height())
        + 3 * m_layout->spacing();
    const auto fitting = static_cast<std::size_t>(std::max(1, (height() - above) / row_height));
    for (std::size_t i = 0; i < m_rows.size(); ++i)
        m_rows[i].widget->setVisible(i < std::min(fitting, m_filled));
}

void CompletionsPanel::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    showRowsThatFit();
}

} // namespace zen::ui
