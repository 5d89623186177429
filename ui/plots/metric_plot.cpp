#include "ui/plots/metric_plot.h"

#include "core/base/durable_file.h"
#include "ui/plots/axis_range.h"
#include "ui/plots/plot_canvas.h"
#include "ui/shell/plain_label.h"

#include <QKeyEvent>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace zen::ui {

namespace {

constexpr double kDefaultSmoothing = 0.7;
constexpr int kValueIntervals = 4;

} // namespace

MetricPlot::MetricPlot(MetricDescription description, QWidget* parent)
    : Card(parent)
    , m_description(std::move(description))
    , m_series(kDefaultSmoothing)
    , m_overlay(kDefaultSmoothing)
    , m_canvas(new PlotCanvas(m_description.color, this))
    , m_value(new PlainLabel({}, this))
    , m_value_rest(new PlainLabel({}, this))
{
    setTitle(m_description.title);
    setSubtitle(m_description.subtitle);
    setDot(m_description.color);
    m_value->setType(13, QFont::DemiBold)->setMono();
    m_value_rest->setType(13)->setMono()->setTone(Tone::muted);
    addTitleWidget(m_value);
    addTitleWidget(m_value_rest);
    body()->setContentsMargins(3, 0, 3, 3); // the canvas keeps off the card's round corners
    body()->addWidget(m_canvas);
    setFocusPolicy(Qt::StrongFocus);

    connect(m_canvas, &PlotCanvas::hovered, this, &MetricPlot::cursorMoved);
    connect(m_canvas, &PlotCanvas::left, this, &MetricPlot::cursorLeft);
    connect(m_canvas, &PlotCanvas::rangeChosen, this, &MetricPlot::rangeChosen);
    connect(m_canvas, &PlotCanvas::fitRequested, this, &MetricPlot::followRequested);
    connect(m_canvas, &PlotCanvas::resized, this, &MetricPlot::due);
    connect(m_canvas, &PlotCanvas::clicked, this, [this](double x) {
        if (const auto index = m_series.nearest(x, m_x_axis))
            Q_EMIT stepPicked(static_cast<qint64>(m_series.point(*index).step));
    });
    showValue();
}

void MetricPlot::append(const MetricPoint& point)
{
    m_series.append(point);
    due();
}

void MetricPlot::addCheckpoint(double step)
{
    m_checkpoints.push_back(step);
    due();
}

void MetricPlot::addEvaluation(double step, double value)
{
    m_evaluations.push_back({ step, value });
    due();
}

void MetricPlot::clear()
{
    m_series.clear();
    m_checkpoints.clear();
    m_evaluations.clear();
    m_cursor.reset();
    m_x_range.reset();
    m_total_steps = 0;
    due();
}

void MetricPlot::setOverlay(const QString& name, MetricSeries series)
{
    m_overlay = std::move(series);
    m_overlay.setSmoothing(m_series.smoothing());
    m_overlay_name = name;
    setSubtitle(tr("%1 · dashed: %2").arg(m_description.subtitle, name));
    due();
}

void MetricPlot::clearOverlay()
{
    m_overlay.clear();
    m_overlay_name.clear();
    setSubtitle(m_description.subtitle);
    due();
}

void MetricPlot::setSmoothing(double weight)
{
    m_series.setSmoothing(weight);
    m_overlay.setSmoothing(weight);
    due();
}

void MetricPlot::setXAxis(XAxis axis)
{
    if (axis == m_x_axis)
        return;
    m_x_axis = axis;
    m_cursor.reset();
    m_x_range.reset();
    due();
}

void MetricPlot::setLogarithmic(bool on)
{
    const auto [low, high] = xRange();
    m_logarithmic = on && m_series.smallestPositive(m_x_axis, low, high).has_value();
    due();
}

void MetricPlot::setCursor(std::optional<double> x)
{
    m_cursor = x;
    const auto index = shownIndex();
    if (m_cursor && index)
        m_canvas->setCursor(m_series.x(*index, m_x_axis), m_series.smoothed(*index));
    else
        m_canvas->setCursor(std::nullopt, 0);
    showValue();
}

void MetricPlot::setXRange(std::optional<std::pair<double, double>> range)
{
    m_x_range = range;
    due();
}

std::pair<double, double> MetricPlot::xRange() const
{
    if (m_x_range)
        return *m_x_range;
    double last = m_series.isEmpty() ? 0 : m_series.x(m_series.size() - 1, m_x_axis);
    if (!m_overlay.isEmpty())
        last = std::max(last, m_overlay.x(m_overlay.size() - 1, m_x_axis));
    return { 0, followEnd(last, m_x_axis == XAxis::step ? m_total_steps : 0) };
}

void MetricPlot::due()
{
    m_due = true;
    Q_EMIT changed();
}

void MetricPlot::paintEvent(QPaintEvent* event)
{
    if (m_has_frame)
        Card::paintEvent(event);
}

void MetricPlot::showEvent(QShowEvent* event)
{
    Card::showEvent(event);
    refresh();
}

bool MetricPlot::refresh()
{
    if (!m_due || !isVisible())
        return false;
    m_due = false;
    PlotPicture picture;
    std::tie(picture.x_low, picture.x_high) = xRange();
    picture.x_axis = m_x_axis;
    picture.follows = isFollowing();
    picture.draws_raw = m_series.smoothing() > 0;
    const int width = m_canvas->plotWidth();
    picture.curve = m_series.view(m_x_axis, picture.x_low, picture.x_high, width);
    picture.overlay = m_overlay.view(m_x_axis, picture.x_low, picture.x_high, width);
    for (const double step : m_checkpoints)
        picture.checkpoint_x.push_back(xOfStep(step));

    auto range = m_series.valueRange(m_x_axis, picture.x_low, picture.x_high);
    const auto include = [&range](double low, double high) {
        range = { std::min(range.low, low), std::max(range.high, high) };
    };
    if (const auto other = m_overlay.valueRange(m_x_axis, picture.x_low, picture.x_high);
        !other.isEmpty())
        include(other.low, other.high);
    for (const Mark& mark : m_evaluations) {
        picture.evaluation_x.push_back(xOfStep(mark.step));
        picture.evaluation_y.push_back(mark.value);
        include(mark.value, mark.value);
    }
    if (m_description.from_zero) {
        include(0, 0);
        if (m_series.rawRange(m_x_axis, picture.x_low, picture.x_high).low >= 0)
            range.low = 0; // a band may reach below what can happen
    }
    picture.y = roundRange(range.low, range.high, kValueIntervals);
    const auto positive = m_logarithmic
        ? m_series.smallestPositive(m_x_axis, picture.x_low, picture.x_high)
        : std::nullopt;
    picture.logarithmic = positive.has_value();
    if (positive) {
        picture.y.low = std::pow(10, std::floor(std::log10(*positive)));
        picture.y.high = std::max(picture.y.low * 10, range.high);
    }
    m_canvas->draw(picture);
    setCursor(m_cursor);
    return true;
}

std::optional<std::size_t> MetricPlot::shownIndex() const
{
    if (m_series.isEmpty())
        return std::nullopt;
    return m_cursor ? m_series.nearest(*m_cursor, m_x_axis) : m_series.size() - 1;
}

void MetricPlot::showValue()
{
    const auto index = shownIndex();
    if (!index) {
        m_value->clear();
        m_value_rest->clear();
        return;
    }
    const MetricPoint point = m_series.point(*index);
    m_value->setText(QString::fromStdString(shortNumber(point.value)));
    QString rest = tr("at step %1").arg(static_cast<qint64>(point.step));
    if (std::isfinite(point.spread))
        rest = QStringLiteral("± %1 ").arg(QString::number(point.spread, 'g', 2)) + rest;
    m_value_rest->setText(rest);
    setAccessibleDescription(valueText());
}

QString MetricPlot::valueText() const
{
    return (m_value->text() + QLatin1Char(' ') + m_value_rest->text()).trimmed();
}

double MetricPlot::xOfStep(double step) const
{
    if (m_x_axis == XAxis::step)
        return step;
    const auto index = m_series.nearest(step, XAxis::step);
    return index ? m_series.x(*index, m_x_axis) : 0;
}

std::string MetricPlot::toCsv() const
{
    std::ostringstream csv;
    csv.imbue(std::locale::classic());
    csv.precision(17);
    const auto cell = [&csv](double value) {
        csv << ',';
        if (std::isfinite(value))
            csv << value;
    };
    csv << "step,seconds,tokens," << m_description.metric << ','
        << (m_description.spread_metric.empty() ? "spread" : m_description.spread_metric)
        << ",smoothed\n";
    for (std::size_t i = 0; i < m_series.size(); ++i) {
        const MetricPoint point = m_series.point(i);
        csv << point.step;
        for (const double value :
            { point.seconds, point.tokens, point.value, point.spread, m_series.smoothed(i) })
            cell(value);
        csv << '\n';
    }
    return csv.str();
}

Result<void> MetricPlot::save(const std::filesystem::path& path)
{
    const std::string suffix = path.extension().string();
    if (suffix == ".csv")
        return writeDurably(path, toCsv());
    const QString name = QString::fromStdString(path.string());
    const bool saved = suffix == ".pdf" ? m_canvas->savePdf(name, 800, 400)
        : suffix == ".png"              ? m_canvas->savePng(name, 800, 400)
                                        : false;
    if (!saved)
        return fail(path.string()
            + ": the picture could not be written; is the folder writable, the ending .png, .pdf "
              "or .csv?");
    return {};
}

} // namespace zen::ui
