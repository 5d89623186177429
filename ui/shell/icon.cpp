#include "ui/shell/icon.h"

#include "ui/shell/theme.h"

#include <QFile>
#include <QGuiApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QSvgRenderer>

static void loadIconResources()
{
    Q_INIT_RESOURCE(icons);
}

namespace zen::ui {

namespace {

void paintIcon(QPainter& painter, const QRectF& rect, const QString& name, const QColor& color)
{
    loadIconResources();
    QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return;
    QByteArray svg = file.readAll();
    svg.replace("#000", color.name().toLatin1());
    QSvgRenderer renderer(svg);
    painter.setRenderHint(QPainter::Antialiasing);
    renderer.render(&painter, rect);
}

class LineIconEngine final : public QIconEngine {
public:
    explicit LineIconEngine(QString name)
        : m_name(std::move(name))
    {
    }

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override
    {
        const QPalette palette = QGuiApplication::palette();
        const auto role
            = mode == QIcon::Disabled ? QPalette::PlaceholderText : QPalette::ButtonText;
        paintIcon(*painter, rect, m_name, palette.color(QPalette::Active, role));
    }

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override
    {
        QPixmap result(size);
        result.fill(Qt::transparent);
        QPainter painter(&result);
        paint(&painter, QRect(QPoint(0, 0), size), mode, state);
        return result;
    }

    QIconEngine* clone() const override { return new LineIconEngine(m_name); }

private:
    QString m_name;
};

} // namespace

QIcon lineIcon(const QString& name)
{
    return QIcon(new LineIconEngine(name));
}

QPixmap iconPixmap(const QString& name, int size, const QColor& color, double device_pixel_ratio)
{
    const int pixels = qRound(size * device_pixel_ratio);
    QPixmap result(pixels, pixels);
    result.fill(Qt::transparent);
    QPainter painter(&result);
    paintIcon(painter, QRectF(0, 0, pixels, pixels), name, color);
    painter.end();
    result.setDevicePixelRatio(device_pixel_ratio);
    return result;
}

QIcon applicationIcon()
{
    QIcon icon;
    for (const int size : { 16, 32, 48, 128 })
        icon.addPixmap(iconPixmap(QStringLiteral("logo"), size, Theme::light().accent, 1.0));
    return icon;
}

} // namespace zen::ui
