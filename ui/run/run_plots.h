#pragma once

#include "ui/plots/plot_group.h"
#include "ui/run/run_trace.h"

#include <QObject>

#include <vector>

namespace zen::ui {

class MetricPlot;

/// The plots of a run, one a metric, kept in step with its trace. The page places them.
class RunPlots : public QObject {
    Q_OBJECT
public:
    explicit RunPlots(QWidget* parent);

    MetricPlot* reward() const { return m_reward; }
    MetricPlot* perplexity() const { return m_perplexity; }
    MetricPlot* loss() const { return m_loss; }
    const std::vector<MetricPlot*>& others() const
    {
        return m_others;
    } ///< KL, entropy, clip ratio, length, gradient, rate

    PlotGroup& group() { return m_group; }

    void present(const RunTrace& trace); ///< everything anew
    void append(const RunTrace& trace); ///< its last row
    void append(const EvaluationFinished& evaluation);
    void append(const CheckpointSaved& checkpoint);

    void setOverlay(const QString& name, const RunTrace& trace);
    void clearOverlay();

private:
    std::vector<MetricPlot*> m_all;
    std::vector<MetricPlot*> m_others;
    MetricPlot* m_reward = nullptr;
    MetricPlot* m_perplexity = nullptr;
    MetricPlot* m_loss = nullptr;
    PlotGroup m_group;
};

} // namespace zen::ui
