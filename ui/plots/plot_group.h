#pragma once

#include "ui/plots/metric_series.h"

#include <QObject>
#include <QTimer>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace zen::ui {

class MetricPlot;

/// The plots of one page: they share the cursor, the visible range, the smoothing and the
/// horizontal axis, and are redrawn by one timer that runs only while something is due: one plot a
/// turn of the event loop, so that no click waits for the drawing of all.
class PlotGroup : public QObject {
    Q_OBJECT
public:
    explicit PlotGroup(QObject* parent = nullptr);

    void add(MetricPlot* plot); ///< which the caller owns and which lives as long
    const std::vector<MetricPlot*>& plots() const { return m_plots; }

    void setSmoothing(double weight);
    void setXAxis(XAxis axis);
    XAxis xAxis() const { return m_x_axis; }
    void follow(); ///< shows all of the run again, and what comes
    bool isFollowing() const { return !m_range; }
    void setCursor(std::optional<double> x);
    void refreshNow();

Q_SIGNALS:
    void followingChanged(bool following);
    void stepPicked(qint64 step);

private:
    void setRange(std::optional<std::pair<double, double>> range);
    void refreshNext();

    std::vector<MetricPlot*> m_plots;
    QTimer m_timer;
    std::size_t m_next = 0; ///< the plot whose turn it is
    XAxis m_x_axis = XAxis::step;
    std::optional<std::pair<double, double>> m_range;
};

} // namespace zen::ui
