#pragma once

#include <QStringList>

class QSettings;

namespace zen::ui {

/// The last ten files, newest first.
QStringList recentFiles(const QSettings& settings);

/// Puts a file to the front.
void rememberFile(QSettings& settings, const QString& path);

} // namespace zen::ui
