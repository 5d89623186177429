#include "ui/plots/plot_group.h"

#include "ui/plots/metric_plot.h"

#include <chrono>

namespace zen::ui {

namespace {
constexpr std::chrono::milliseconds kTurn{ 33 }; // 30 drawings a second, all plots together
}

PlotGroup::PlotGroup(QObject* parent)
    : QObject(parent)
{
    m_timer.setSingleShot(true);
    m_timer.setInterval(kTurn);
    connect(&m_timer, &QTimer::timeout, this, &PlotGroup::refreshNext);
}

void PlotGroup::add(MetricPlot* plot)
{
    m_plots.push_back(plot);
    connect(plot, &MetricPlot::changed, this, [this] {
        if (!m_timer.isActive())
            m_timer.start();
    });
    connect(plot, &MetricPlot::cursorMoved, this, &PlotGroup::setCursor);
    connect(plot, &MetricPlot::cursorLeft, this, [this] { setCursor(std::nullopt); });
    connect(plot, &MetricPlot::followRequested, this, &PlotGroup::follow);
    connect(plot, &MetricPlot::stepPicked, this, &PlotGroup::stepPicked);
    connect(plot, &MetricPlot::rangeChosen, this, [this](double low, double high) {
        if (high > low)
            setRange(std::pair(low, high));
    });
}

void PlotGroup::setSmoothing(double weight)
{
    for (MetricPlot* plot : m_plots)
        plot->setSmoothing(weight);
}

void PlotGroup::setXAxis(XAxis axis)
{
    m_x_axis = axis;
    for (MetricPlot* plot : m_plots)
        plot->setXAxis(axis);
    follow();
}

void PlotGroup::follow()
{
    setRange(std::nullopt);
}

void PlotGroup::setRange(std::optional<std::pair<double, double>> range)
{
    const bool was_following = isFollowing();
    m_range = range;
    for (MetricPlot* plot : m_plots)
        plot->setXRange(range);
    refreshNow();
    if (was_following != isFollowing())
        Q_EMIT followingChanged(isFollowing());
}

void PlotGroup::setCursor(std::optional<double> x)
{
    for (MetricPlot* plot : m_plots)
        plot->setCursor(x);
}

void PlotGroup::refreshNext()
{
    for (std::size_t tried = 0; tried < m_plots.size(); ++tried) {
        MetricPlot* plot = m_plots[m_next++ % m_plots.size()];
        if (plot->refresh()) {
            m_timer.start();
            return;
        }
    }
}

void PlotGroup::refreshNow()
{
    for (MetricPlot* plot : m_plots)
        plot->refresh();
}

} // namespace zen::ui
