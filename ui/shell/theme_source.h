#pragma once

#include "ui/shell/theme.h"

#include <QObject>

class QApplication;

namespace zen::ui {

enum class ThemeMode { system, light, dark };

/// Chooses the appearance and applies it to the application: style, palette and base font. Follows
/// the system while the mode is `system`. One per program, owned by main() and passed to who needs
/// it.
class ThemeSource : public QObject {
    Q_OBJECT
public:
    explicit ThemeSource(QApplication& application, QObject* parent = nullptr);

    const Theme& theme() const { return m_theme; }
    ThemeMode mode() const { return m_mode; }
    void setMode(ThemeMode mode);

    double zoom() const { return m_theme.zoom; }
    void setZoom(double zoom); ///< clamped to 0.8 … 1.6

Q_SIGNALS:
    /// After every widget has received its QEvent::StyleChange.
    void changed(const zen::ui::Theme& theme);

private:
    void apply(double zoom);
    bool systemIsDark() const;

    QApplication& m_application;
    ThemeMode m_mode = ThemeMode::system;
    QPalette m_system_palette;
    Theme m_theme;
};

} // namespace zen::ui
