#include "ui/run/run_plots.h"

#include "ui/plots/metric_plot.h"

#include <QWidget>

namespace zen::ui {

namespace {

MetricDescription describe(
    const QString& title, const QString& subtitle, ThemeColor color, std::string metric)
{
    MetricDescription description;
    description.title = title;
    description.subtitle = subtitle;
    description.color = color;
    description.metric = std::move(metric);
    return description;
}

} // namespace

RunPlots::RunPlots(QWidget* parent)
    : QObject(parent)
{
    const auto make = [&](MetricDescription description) {
        auto* plot = new MetricPlot(std::move(description), parent);
        plot->setObjectName(
            QStringLiteral("plot_") + QString::fromStdString(plot->description().metric));
        m_all.push_back(plot);
        m_group.add(plot);
        return plot;
    };
    MetricDescription reward = describe(tr("Reward"),
        tr("mean and spread of the batch · ▼ checkpoint · ◇ held out · click a point to read its "
           "completions"),
        &Theme::reward, "reward");
    reward.spread_metric = "reward_std";
    reward.evaluation_metric = "eval/reward";
    reward.from_zero = true;
    m_reward = make(reward);
    MetricDescription perplexity = describe(
        tr("Perplexity"), tr("policy on its own completions"), &Theme::perplexity, "policy/ppl");
    m_perplexity = make(perplexity);
    m_loss = make(describe(tr("Loss"), tr("near 0 is normal here"), &Theme::loss, "loss"));

    m_others.push_back(make(describe(
        tr("KL"), tr("distance to the reference policy, nats a token"), &Theme::kl, "kl")));
    m_others.push_back(make(describe(tr("Entropy"),
        tr("how much the policy explores, nats a token"), &Theme::entropy, "entropy")));
    MetricDescription clip = describe(tr("Clip ratio"),
        tr("share of ratios outside the clip range"), &Theme::loss, "clip_ratio/region_mean");
    clip.from_zero = true;
    m_others.push_back(make(clip));
    MetricDescription length = describe(
        tr("Length"), tr("tokens of a completion"), &Theme::accent, "completions/mean_length");
    length.from_zero = true;
    m_others.push_back(make(length));
    MetricDescription gradient
        = describe(tr("Gradient"), tr("norm before clipping"), &Theme::perplexity, "grad_norm");
    gradient.from_zero = true;
    m_others.push_back(make(gradient));
    m_others.push_back(make(
        describe(tr("Rate"), tr("learning rate of the step"), &Theme::reward, "learning_rate")));
}

void RunPlots::present(const RunTrace& trace)
{
    for (MetricPlot* plot : m_all) {
        plot->clear();
        plot->setTotalSteps(static_cast<double>(trace.status().totalSteps()));
        const MetricDescription& description = plot->description();
        for (std::size_t row = 0; row < trace.rows(); ++row)
            plot->append(trace.point(description.metric, description.spread_metric, row));
    }
    m_loss->setSubtitle(trace.started() && trace.started()->stage == "sft"
            ? tr("of the reference answers; should fall")
            : tr("near 0 is normal here"));
    for (const EvaluationFinished& evaluation : trace.evaluations())
        append(evaluation);
    for (const CheckpointSaved& checkpoint : trace.checkpoints())
        append(checkpoint);
    m_group.follow();
}

void RunPlots::append(const RunTrace& trace)
{
    if (trace.rows() == 0)
        return;
    for (MetricPlot* plot : m_all) {
        plot->setTotalSteps(static_cast<double>(trace.status().totalSteps()));
        plot->append(trace.point(
            plot->description().metric, plot->description().spread_metric, trace.rows() - 1));
    }
}

void RunPlots::append(const EvaluationFinished& evaluation)
{
    for (MetricPlot* plot : m_all) {
        const auto found = evaluation.metrics.find(plot->description().evaluation_metric);
        if (found != evaluation.metrics.end())
            plot->addEvaluation(static_cast<double>(evaluation.step), found->second);
    }
}

void RunPlots::append(const CheckpointSaved& checkpoint)
{
    for (MetricPlot* plot : { m_reward, m_perplexity, m_loss })
        plot->addCheckpoint(static_cast<double>(checkpoint.step));
}

void RunPlots::setOverlay(const QString& name, const RunTrace& trace)
{
    for (MetricPlot* plot : m_all)
        plot->setOverlay(name, trace.series(plot->description().metric, {}));
}

void RunPlots::clearOverlay()
{
    for (MetricPlot* plot : m_all)
        plot->clearOverlay();
}

} // namespace zen::ui
