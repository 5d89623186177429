// MetricPlot: its context menu and its keys.
#include "ui/plots/metric_plot.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QFileDialog>
#include <QKeyEvent>
#include <QMenu>

namespace zen::ui {

void MetricPlot::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu(this);
    menu.addAction(tr("Follow the run"), this, &MetricPlot::followRequested);
    QAction* logarithmic
        = menu.addAction(tr("Logarithmic axis"), this, &MetricPlot::setLogarithmic);
    logarithmic->setCheckable(true);
    logarithmic->setChecked(m_logarithmic);
    const auto [low, high] = xRange();
    if (!m_series.smallestPositive(m_x_axis, low, high)) {
        logarithmic->setEnabled(false);
        logarithmic->setText(tr("Logarithmic axis (no value above zero)"));
    }
    menu.addSeparator();
    menu.addAction(
        tr("Copy picture"), this, [this] { QApplication::clipboard()->setPixmap(grab()); });
    menu.addAction(tr("Copy values"), this,
        [this] { QApplication::clipboard()->setText(QString::fromStdString(toCsv())); });
    menu.addSeparator();
    menu.addAction(tr("Save as PNG…"), this,
        [this] { chooseFileAndSave(QStringLiteral("png"), tr("Picture (*.png)")); });
    menu.addAction(tr("Save as PDF…"), this,
        [this] { chooseFileAndSave(QStringLiteral("pdf"), tr("Document (*.pdf)")); });
    menu.addAction(tr("Save values as CSV…"), this,
        [this] { chooseFileAndSave(QStringLiteral("csv"), tr("Table (*.csv)")); });
    menu.exec(event->globalPos());
}

void MetricPlot::chooseFileAndSave(const QString& suffix, const QString& filter)
{
    const QString proposal
        = QString::fromStdString(m_description.metric).replace(QLatin1Char('/'), QLatin1Char('-'));
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Save %1").arg(m_description.title), proposal + QLatin1Char('.') + suffix, filter);
    if (path.isEmpty())
        return;
    const QString ending = QLatin1Char('.') + suffix;
    const std::filesystem::path target(
        (path.endsWith(ending) ? path : path + ending).toStdString());
    if (const auto saved = save(target); !saved)
        Q_EMIT saveFailed(QString::fromStdString(saved.error().message));
}

/// Left and right move the cursor, + and - zoom round it, Home follows the run.
void MetricPlot::keyPressEvent(QKeyEvent* event)
{
    switch (event->key()) {
    case Qt::Key_Left:
        return moveCursor(-1);
    case Qt::Key_Right:
        return moveCursor(1);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(0.7);
    case Qt::Key_Minus:
        return zoom(1 / 0.7);
    case Qt::Key_Home:
        Q_EMIT followRequested();
        return;
    case Qt::Key_Escape:
        Q_EMIT cursorLeft();
        return;
    default:
        Card::keyPressEvent(event);
    }
}

void MetricPlot::moveCursor(int points)
{
    const auto index = shownIndex();
    if (!index)
        return;
    const auto last = static_cast<qint64>(m_series.size()) - 1;
    const auto next = std::clamp<qint64>(static_cast<qint64>(*index) + points, 0, last);
    Q_EMIT cursorMoved(m_series.x(static_cast<std::size_t>(next), m_x_axis));
}

void MetricPlot::zoom(double factor)
{
    const auto [low, high] = xRange();
    const double centre = m_cursor.value_or((low + high) / 2);
    Q_EMIT rangeChosen(centre - (centre - low) * factor, centre + (high - centre) * factor);
}

} // namespace zen::ui
