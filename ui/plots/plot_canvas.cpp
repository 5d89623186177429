#undef QT_NO_KEYWORDS // qcustomplot.h needs `signals` and `slots`

#include "ui/plots/plot_canvas.h"

#include <QMouseEvent>
#include <QVBoxLayout>
#include <qcustomplot.h>

#include <cmath>

namespace zen::ui {

namespace {

constexpr double kRawOpacity = 0.28;
constexpr double kBandOpacity = 0.13;
constexpr int kEdge = 7; ///< pixels left of the first value and right of the last
constexpr int kClickSlack = 4; ///< pixels that a click may wander

QColor faded(QColor color, double opacity)
{
    color.setAlphaF(static_cast<float>(opacity));
    return color;
}

QVector<double> toQt(const std::vector<double>& values)
{
    return QVector<double>(values.begin(), values.end());
}

/// Lines at round numbers: multiples of a step that the caller chose.
class RoundTicker : public QCPAxisTicker {
public:
    void setStep(double step) { m_step = step; }

protected:
    double getTickStep(const QCPRange&) override { return m_step; }
    int getSubTickCount(double) override { return 0; }
    QString getTickLabel(double tick, const QLocale&, QChar, int) override
    {
        return QString::fromStdString(axisLabel(tick, m_step));
    }

private:
    double m_step = 1;
};

/// Round numbers of steps, tokens, or units of time.
class XTicker : public RoundTicker {
public:
    void setAxis(XAxis axis) { m_axis = axis; }

protected:
    double getTickStep(const QCPRange& range) override
    {
        m_unit = m_axis != XAxis::seconds ? 1
            : range.size() > 3 * 3600     ? 3600
            : range.size() > 180          ? 60
                                          : 1;
        double step = roundRange(0, range.size() / m_unit, 4).step;
        if (m_axis != XAxis::seconds)
            step = std::max(1.0, step);
        setStep(step);
        return step * m_unit;
    }
    QString getTickLabel(double tick, const QLocale& locale, QChar format, int precision) override
    {
        const QString number = RoundTicker::getTickLabel(tick / m_unit, locale, format, precision);
        if (m_axis != XAxis::seconds)
            return number;
        const QString unit = m_unit == 1 ? QObject::tr("s")
            : m_unit == 60               ? QObject::tr("min")
                                         : QObject::tr("h");
        return number + QLatin1Char(' ') + unit;
    }

private:
    XAxis m_axis = XAxis::step;
    double m_unit = 1;
};

QCPScatterStyle checkpointMark(const QColor& color)
{
    QPainterPath triangle;
    triangle.moveTo(-4, -7);
    triangle.lineTo(4, -7);
    triangle.lineTo(0, 0);
    triangle.closeSubpath();
    return { triangle, QPen(color, 1), color, 8 };
}

} // namespace

struct PlotCanvas::Impl {
    explicit Impl(QWidget* parent, ThemeColor metric_color)
        : plot(new QCustomPlot(parent))
        , color(metric_color)
        , low(plot->addGraph())
        , high(plot->addGraph())
        , raw(plot->addGraph())
        , overlay(plot->addGraph())
        , smooth(plot->addGraph())
        , evaluations(plot->addGraph())
        , checkpoints(plot->addGraph())
        , cursor(new QCPItemLine(plot))
        , dot(new QCPItemTracer(plot))
        , x_ticker(new XTicker)
        , y_ticker(new RoundTicker)
        , log_ticker(new QCPAxisTickerLog)
    {
        plot->xAxis->setTicker(x_ticker);
        plot->yAxis->setTicker(y_ticker);
        plot->setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
        plot->axisRect()->setRangeDrag(Qt::Horizontal);
        plot->axisRect()->setRangeZoom(Qt::Horizontal);
        plot->axisRect()->setAutoMargins(QCP::msNone);
        plot->setNoAntialiasingOnDrag(false);
        plot->setPlottingHint(QCP::phFastPolylines, false);
        for (QCPAxis* axis : { plot->xAxis, plot->yAxis }) {
            axis->setTickPen(Qt::NoPen);
            axis->setSubTickPen(Qt::NoPen);
            axis->setBasePen(Qt::NoPen);
            axis->setTickLengthIn(0);
            axis->setTickLabelPadding(6);
        }
        plot->xAxis->grid()->setVisible(false);
        plot->yAxis->grid()->setZeroLinePen(Qt::NoPen);
        low->setPen(Qt::NoPen);
        high->setPen(Qt::NoPen);
        high->setChannelFillGraph(low);
        for (QCPGraph* marks : { evaluations, checkpoints })
            marks->setLineStyle(QCPGraph::lsNone);
        checkpoints->setAntialiasedScatters(true);
        cursor->start->setTypeX(QCPItemPosition::ptPlotCoords);
        cursor->start->setTypeY(QCPItemPosition::ptAxisRectRatio);
        cursor->end->setTypeX(QCPItemPosition::ptPlotCoords);
        cursor->end->setTypeY(QCPItemPosition::ptAxisRectRatio);
        cursor->setVisible(false);
        dot->setStyle(QCPItemTracer::tsCircle);
        dot->setSize(7);
        dot->setVisible(false);
    }

    QCustomPlot* plot;
    ThemeColor color;
    QCPGraph *low, *high, *raw, *overlay, *smooth, *evaluations, *checkpoints;
    QCPItemLine* cursor;
    QCPItemTracer* dot;
    QSharedPointer<XTicker> x_ticker;
    QSharedPointer<RoundTicker> y_ticker;
    QSharedPointer<QCPAxisTickerLog> log_ticker;
    QPoint pressed;
    bool drawing = false; ///< the range changes because of us, not of the pointer
};

PlotCanvas::PlotCanvas(ThemeColor color, QWidget* parent)
    : QWidget(parent)
    , m_impl(std::make_unique<Impl>(this, color))
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_impl->plot);
    m_impl->plot->setMouseTracking(true);
    m_impl->plot->setFocusPolicy(Qt::NoFocus);
    m_impl->plot->setContextMenuPolicy(Qt::NoContextMenu); // the metric's card has the menu
    m_impl->plot->installEventFilter(this);
    connect(m_impl->plot->xAxis, qOverload<const QCPRange&>(&QCPAxis::rangeChanged), this,
        [this](const QCPRange& range) {
            if (!m_impl->drawing)
                emit rangeChosen(range.lower, range.upper);
        });
    applyTheme();
}

PlotCanvas::~PlotCanvas() = default;

void PlotCanvas::draw(const PlotPicture& picture)
{
    Impl& d = *m_impl;
    d.drawing = true;
    d.x_ticker->setAxis(picture.x_axis);
    const double margin // marks at the first and the last value are whole
        = picture.follows ? (picture.x_high - picture.x_low) * kEdge / plotWidth() : 0;
    d.plot->xAxis->setRange(picture.x_low - margin, picture.x_high + margin);
    if (picture.logarithmic) {
        d.plot->yAxis->setScaleType(QCPAxis::stLogarithmic);
        d.plot->yAxis->setTicker(d.log_ticker);
        d.plot->yAxis->setNumberFormat(QStringLiteral("g"));
        d.plot->yAxis->setRange(picture.y.low, picture.y.high);
    } else {
        d.plot->yAxis->setScaleType(QCPAxis::stLinear);
        d.plot->yAxis->setTicker(d.y_ticker);
        d.y_ticker->setStep(picture.y.step);
        const double slack = picture.y.step * 1e-6; // the end lines are drawn in spite of rounding
        d.plot->yAxis->setRange(picture.y.low - slack, picture.y.high + slack);
    }
    d.drawing = false;

    const auto x = toQt(picture.curve.x);
    d.smooth->setData(x, toQt(picture.curve.smooth), true);
    d.raw->setVisible(picture.draws_raw);
    d.raw->setData(toQt(picture.curve.raw_x), toQt(picture.curve.raw_y), true);
    const bool has_band = !picture.curve.low.empty();
    d.low->setData(has_band ? x : QVector<double>(), toQt(picture.curve.low), true);
    d.high->setData(has_band ? x : QVector<double>(), toQt(picture.curve.high), true);
    d.overlay->setData(toQt(picture.overlay.x), toQt(picture.overlay.smooth), true);
    d.evaluations->setData(toQt(picture.evaluation_x), toQt(picture.evaluation_y), true);
    const auto marks = toQt(picture.checkpoint_x);
    d.checkpoints->setData(marks, QVector<double>(marks.size(), picture.y.low), true);
    replot();
}

/// A hidden canvas has no pixels to draw on; it is drawn when it appears.
void PlotCanvas::replot()
{
    if (isVisible())
        m_impl->plot->replot(QCustomPlot::rpQueuedReplot);
}

void PlotCanvas::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    replot();
}

void PlotCanvas::setCursor(std::optional<double> x, double y)
{
    Impl& d = *m_impl;
    d.cursor->setVisible(x.has_value());
    d.dot->setVisible(x.has_value() && std::isfinite(y));
    if (x) {
        d.cursor->start->setCoords(*x, 0);
        d.cursor->end->setCoords(*x, 1);
        d.dot->position->setCoords(*x, std::isfinite(y) ? y : 0);
    }
    replot();
}

int PlotCanvas::plotWidth() const
{
    return std::max(50, m_impl->plot->axisRect()->width());
}

bool PlotCanvas::savePng(const QString& path, int width, int height)
{
    return m_impl->plot->savePng(path, width, height, 2.0);
}

bool PlotCanvas::savePdf(const QString& path, int width, int height)
{
    return m_impl->plot->savePdf(path, width, height, QCP::epNoCosmetic);
}

void PlotCanvas::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::StyleChange)
        applyTheme();
}

void PlotCanvas::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    emit resized();
}

bool PlotCanvas::eventFilter(QObject* watched, QEvent* event)
{
    Impl& d = *m_impl;
    const auto xOf = [&](const QPointF& at) { return d.plot->xAxis->pixelToCoord(at.x()); };
    if (event->type() == QEvent::MouseMove) {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        if (mouse->buttons() == Qt::NoButton)
            emit hovered(xOf(mouse->position()));
    } else if (event->type() == QEvent::MouseButtonPress) {
        d.pressed = static_cast<QMouseEvent*>(event)->pos();
    } else if (event->type() == QEvent::MouseButtonRelease) {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        if (mouse->button() == Qt::LeftButton
            && (mouse->pos() - d.pressed).manhattanLength() <= kClickSlack)
            emit clicked(xOf(mouse->position()));
    } else if (event->type() == QEvent::MouseButtonDblClick) {
        emit fitRequested();
    } else if (event->type() == QEvent::Leave) {
        emit left();
    }
    return QWidget::eventFilter(watched, event);
}

void PlotCanvas::setMargins()
{
    const Theme& theme = Theme::of(*this);
    m_impl->plot->axisRect()->setMargins(
        QMargins(theme.scaled(46), theme.scaled(8), theme.scaled(14), theme.scaled(22)));
}

void PlotCanvas::applyTheme()
{
    Impl& d = *m_impl;
    const Theme& theme = Theme::of(*this);
    const QColor color = theme.*d.color;
    d.plot->setBackground(theme.panel);
    for (QCPAxis* axis : { d.plot->xAxis, d.plot->yAxis }) {
        axis->setTickLabelColor(theme.muted);
        axis->setTickLabelFont(theme.text(11));
    }
    d.plot->yAxis->grid()->setPen(QPen(theme.line, 1));
    d.raw->setPen(QPen(faded(color, kRawOpacity), 1));
    d.smooth->setPen(QPen(color, 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    d.high->setBrush(faded(color, kBandOpacity));
    d.overlay->setPen(QPen(faded(theme.ink, 0.55), 1.6, Qt::DashLine));
    d.evaluations->setScatterStyle(
        QCPScatterStyle(QCPScatterStyle::ssDiamond, QPen(color, 1.6), theme.panel, 8));
    d.checkpoints->setScatterStyle(checkpointMark(theme.accent));
    d.cursor->setPen(QPen(theme.muted, 1, Qt::DashLine));
    d.dot->setPen(QPen(theme.panel, 1));
    d.dot->setBrush(color);
    setMargins();
    replot();
}

} // namespace zen::ui
