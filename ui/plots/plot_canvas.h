#pragma once

#include "ui/plots/axis_range.h"
#include "ui/plots/metric_series.h"
#include "ui/shell/theme.h"

#include <QWidget>

#include <memory>
#include <optional>
#include <vector>

namespace zen::ui {

/// What a canvas draws: already cut to the visible range and thinned to the pixels there are.
struct PlotPicture {
    MetricSeries::View curve;
    MetricSeries::View overlay; ///< of another run: dashed
    bool draws_raw = true; ///< false where the smoothed line is the raw one
    std::vector<double> evaluation_x, evaluation_y;
    std::vector<double> checkpoint_x;
    double x_low = 0, x_high = 1;
    bool follows = true; ///< the range is the run's, not one that a person chose
    XAxis x_axis = XAxis::step;
    AxisRange y;
    bool logarithmic = false; ///< y then holds values, not logarithms; y.low > 0
};

/// The drawing surface of one metric: the only user of QCustomPlot. Draws what it is given and
/// reports what the pointer does.
class PlotCanvas : public QWidget {
    Q_OBJECT
public:
    explicit PlotCanvas(ThemeColor color, QWidget* parent = nullptr);
    ~PlotCanvas() override;

    void draw(const PlotPicture&
            picture); ///< queued: many calls in one turn of the event loop cost one drawing
    void setCursor(
        std::optional<double> x, double y); ///< a dashed line, and a dot where y is a number
    int plotWidth() const; ///< pixels between the axes

    bool savePng(const QString& path, int width, int height);
    bool savePdf(const QString& path, int width, int height);

    QSize sizeHint() const override { return { 400, 200 }; }
    QSize minimumSizeHint() const override { return { 160, 90 }; }

Q_SIGNALS:
    void hovered(double x);
    void left(); ///< the pointer went away
    void clicked(double x);
    void rangeChosen(double x_low, double x_high); ///< by dragging or the wheel
    void fitRequested(); ///< double click
    void resized();

protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Impl;
    void replot();
    void applyTheme();
    void setMargins();

    std::unique_ptr<Impl> m_impl;
};

} // namespace zen::ui
