#include "app/studio/screenshots.h"

#include "app/studio/studio_window.h"

#include <QCoreApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QPixmap>
#include <QThread>

namespace zen::ui {

namespace {

constexpr int kSettleMilliseconds = 500;

/// Lets timers and background reads finish.
void settle()
{
    QElapsedTimer timer;
    timer.start();
    while (timer.elapsed() < kSettleMilliseconds) {
        QCoreApplication::processEvents(QEventLoop::AllEvents, 50);
        QThread::msleep(10);
    }
}

void open(StudioWindow& window, std::string_view tier_id)
{
    for (const Tier& tier : window.catalogue().tiers)
        if (tier.id == tier_id)
            window.openTier(tier);
}

/// A tier with two presets applied, as a person would have it half-way.
void tune(StudioWindow& window)
{
    const Catalogue& catalogue = window.catalogue();
    open(window, "nano");
    for (const Preset& preset : catalogue.presets)
        if (preset.name == "consumer" || preset.name == "high_quality")
            static_cast<void>(
                window.config().apply(QString::fromStdString(preset.title), preset.edits));
}

} // namespace

bool writeScreenshots(
    StudioWindow& window, ThemeSource& themes, const QString& folder, const QString& run_folder)
{
    if (!QDir().mkpath(folder))
        return false;
    window.resize(1280, 800);
    window.show();
    const std::pair<PageId, QString> pages[] = {
        { PageId::tiers, QStringLiteral("tiers") },
        { PageId::configure, QStringLiteral("configure") },
        { PageId::data, QStringLiteral("data") },
        { PageId::run, QStringLiteral("run") },
        { PageId::rollouts, QStringLiteral("rollouts") },
        { PageId::history, QStringLiteral("history") },
        { PageId::export_config, QStringLiteral("export") },
        { PageId::chat, QStringLiteral("chat") },
    };
    for (const ThemeMode mode : { ThemeMode::light, ThemeMode::dark }) {
        themes.setMode(mode);
        tune(window);
        for (const auto& [id, name] : pages) {
            if (!window.page(id))
                continue;
            if (id == PageId::data) // from here on what a first training looks like
                open(window, "starter");
            if (id == PageId::run && !run_folder.isEmpty())
                window.showRunFolder(run_folder);
            window.showPage(id);
            settle();
            const QString file = QStringLiteral("%1/%2-%3.png")
                                     .arg(folder, name,
                                         mode == ThemeMode::dark ? QStringLiteral("dark")
                                                                 : QStringLiteral("light"));
            if (!window.grab().save(file))
                return false;
        }
    }
    return true;
}

} // namespace zen::ui
