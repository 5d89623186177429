#pragma once

#include "ui/plots/metric_series.h"

#include <QObject>
#include <QTimer>

#include <optional>
#include <utility>
#include <vector>

namespace zen::ui {

class MetricPlot;

/// The plots of one page: they share the cursor, the visible range, the smoothing and the
/// horizontal axis, and are redrawn together by one timer that runs only while something is due.
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

    std::vector<MetricPlot*> m_plots;
    QTimer m_timer;
    XAxis m_x_axis = XAxis::step;
    std::optional<std::pair<double, double>> m_range;
};

} // namespace zen::ui
