#pragma once

#include "core/base/result.h"
#include "ui/plots/metric_series.h"
#include "ui/shell/card.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zen::ui {

class PlotCanvas;

/// What a plot shows and how it is told.
struct MetricDescription {
    QString title; ///< Reward
    QString subtitle; ///< one quiet phrase beside it
    ThemeColor color = &Theme::accent;
    std::string metric; ///< TRL's name: reward
    std::string spread_metric; ///< reward_std; empty: no band
    std::string evaluation_metric; ///< marked with diamonds: eval/reward; empty: none
    bool from_zero = false; ///< the axis includes zero
};

/// One metric of a run on a card: title with the value under the cursor, raw line behind the
/// smoothed one, band, marks of checkpoints and evaluations, and another run to compare. Holds the
/// run's whole history of this metric; draws what is visible, at most a few values a pixel. Changes
/// are drawn by refresh(), which its PlotGroup calls on a timer.
class MetricPlot : public Card {
    Q_OBJECT
public:
    explicit MetricPlot(MetricDescription description, QWidget* parent = nullptr);

    const MetricDescription& description() const { return m_description; }
    const MetricSeries& series() const { return m_series; }

    void append(const MetricPoint& point); ///< O(1)
    void addCheckpoint(double step);
    void addEvaluation(double step, double value);
    void clear(); ///< the data; an overlay stays
    void setFrame(bool visible) { m_has_frame = visible; } ///< false: inside another card
    void setTotalSteps(double total) { m_total_steps = total; }

    void setOverlay(const QString& name, MetricSeries series);
    void clearOverlay();

    void setSmoothing(double weight);
    void setXAxis(XAxis axis);
    void setLogarithmic(bool on); ///< ignored while no value is positive
    bool isLogarithmic() const { return m_logarithmic; }
    void setCursor(
        std::optional<double> x); ///< in units of the axis; empty: the newest value is told
    void setXRange(std::optional<std::pair<double, double>> range); ///< empty: follow the run
    bool isFollowing() const { return !m_x_range; }
    std::pair<double, double> xRange() const; ///< shown now

    /// Draws what changed since the last call; does nothing (and stays due) while hidden. Returns
    /// whether it drew.
    bool refresh();

    QString valueText() const; ///< "0.662 ± 0.21 at step 150"

    /// The raw values: step, seconds, tokens, value, spread, smoothed. Empty cells for what was not
    /// measured.
    std::string toCsv() const;
    Result<void> save(const std::filesystem::path& path); ///< .png, .pdf or .csv

Q_SIGNALS:
    void changed(); ///< refresh() is due
    void cursorMoved(double x);
    void cursorLeft();
    void stepPicked(qint64 step); ///< clicked
    void rangeChosen(double x_low, double x_high);
    void followRequested();
    void saveFailed(const QString& message);

protected:
    void paintEvent(QPaintEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    struct Mark {
        double step;
        double value;
    };
    void due();
    void showValue();
    void moveCursor(int points);
    void zoom(double factor);
    void chooseFileAndSave(const QString& suffix, const QString& filter);
    double xOfStep(double step) const;
    std::optional<std::size_t> shownIndex() const;

    MetricDescription m_description;
    MetricSeries m_series;
    MetricSeries m_overlay;
    QString m_overlay_name;
    std::vector<double> m_checkpoints;
    std::vector<Mark> m_evaluations;
    double m_total_steps = 0;
    XAxis m_x_axis = XAxis::step;
    bool m_logarithmic = false;
    bool m_due = true;
    bool m_has_frame = true;
    std::optional<double> m_cursor;
    std::optional<std::pair<double, double>> m_x_range;
    PlotCanvas* m_canvas = nullptr;
    PlainLabel* m_value = nullptr;
    PlainLabel* m_value_rest = nullptr;
};

} // namespace zen::ui
