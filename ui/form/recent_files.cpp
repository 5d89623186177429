#include "ui/form/recent_files.h"

#include <QSettings>

namespace zen::ui {

namespace {
constexpr int kKept = 10;
constexpr QLatin1String kKey("recentFiles");
}

QStringList recentFiles(const QSettings& settings)
{
    return settings.value(kKey).toStringList().mid(0, kKept);
}

void rememberFile(QSettings& settings, const QString& path)
{
    QStringList files = recentFiles(settings);
    files.removeAll(path);
    files.prepend(path);
    settings.setValue(kKey, files.mid(0, kKept));
}

} // namespace zen::ui
