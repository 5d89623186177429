#include "ui/shell/theme_source.h"

#include "ui/shell/studio_style.h"

#include <QApplication>
#include <QStyleHints>

#include <algorithm>

namespace zen::ui {

ThemeSource::ThemeSource(QApplication& application, QObject* parent)
    : QObject(parent)
    , m_application(application)
    , m_system_palette(QApplication::palette())
{
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    connect(QGuiApplication::styleHints(), &QStyleHints::colorSchemeChanged, this, [this] {
        if (m_mode == ThemeMode::system)
            apply(m_theme.zoom);
    });
#endif
    apply(1.0);
}

bool ThemeSource::systemIsDark() const
{
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    return QGuiApplication::styleHints()->colorScheme() == Qt::ColorScheme::Dark;
#else
    return m_system_palette.color(QPalette::Window).lightness() < 128;
#endif
}

void ThemeSource::setMode(ThemeMode mode)
{
    if (mode == m_mode)
        return;
    m_mode = mode;
    apply(m_theme.zoom);
}

void ThemeSource::setZoom(double zoom)
{
    zoom = std::clamp(zoom, 0.8, 1.6);
    if (!qFuzzyCompare(zoom, m_theme.zoom))
        apply(zoom);
}

void ThemeSource::apply(double zoom)
{
    const bool dark = m_mode == ThemeMode::dark || (m_mode == ThemeMode::system && systemIsDark());
    m_theme = dark ? Theme::dark(zoom) : Theme::light(zoom);
    QApplication::setFont(m_theme.text(13));
    QApplication::setPalette(m_theme.palette());
    QApplication::setStyle(new StudioStyle(m_theme)); // the application owns it
    Q_EMIT changed(m_theme);
}

} // namespace zen::ui
