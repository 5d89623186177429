#pragma once

#include <QIcon>
#include <QString>

namespace zen::ui {

/// One of the project's line icons (resources/icons/<name>.svg), drawn in the theme's ink, muted
/// when disabled, exact at any size and scale. It follows a change of theme by itself. An unknown
/// name gives an empty picture.
QIcon lineIcon(const QString& name);

/// The same drawing in one colour, `size` logical pixels wide and high.
QPixmap iconPixmap(const QString& name, int size, const QColor& color, double device_pixel_ratio);

/// The window's icon: the ring in the accent colour.
QIcon applicationIcon();

} // namespace zen::ui
