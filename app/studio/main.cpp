#include "app/studio/screenshots.h"
#include "app/studio/studio_window.h"
#include "core/base/machine.h"
#include "ui/shell/wheel_guard.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QSettings>
#include <QStandardPaths>
#include <QTemporaryDir>

#include <clocale>
#include <cstdio>
#include <string_view>

namespace {

/// Pictures need no display.
void useOffscreenForScreenshots(int argc, char** argv)
{
    bool screenshots = false;
    for (int index = 1; index < argc; ++index)
        screenshots |= std::string_view(argv[index]).starts_with("--screenshots");
    if (screenshots && !qEnvironmentVariableIsSet("DISPLAY")
        && !qEnvironmentVariableIsSet("WAYLAND_DISPLAY")
        && !qEnvironmentVariableIsSet("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
}

zen::ui::ThemeMode themeFrom(const QString& word, const QSettings& settings)
{
    if (word == QLatin1String("light"))
        return zen::ui::ThemeMode::light;
    if (word == QLatin1String("dark"))
        return zen::ui::ThemeMode::dark;
    const int stored = settings.value(QStringLiteral("theme"), 0).toInt();
    return stored >= 0 && stored <= 2 ? static_cast<zen::ui::ThemeMode>(stored)
                                      : zen::ui::ThemeMode::system;
}

} // namespace

int main(int argc, char** argv)
{
    zen::keepFreedMemory();
    useOffscreenForScreenshots(argc, argv);
    QApplication application(argc, argv);
    std::setlocale(LC_NUMERIC, "C"); // Qt took the system's: files have points in their numbers
    QApplication::setOrganizationName(QStringLiteral("zen-studio"));
    QApplication::setApplicationName(QStringLiteral("zen-studio"));
    QApplication::setApplicationDisplayName(QStringLiteral("Zen Studio"));
    QApplication::setApplicationVersion(QStringLiteral(ZEN_VERSION));

    QCommandLineParser parser;
    parser.setApplicationDescription(
        QStringLiteral("Fine-tunes Qwen3-family models by GSPO and GRPO."));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument(QStringLiteral("file"),
        QStringLiteral("A configuration (YAML) or a run folder to open."),
        QStringLiteral("[file]"));
    const QCommandLineOption theme(
        QStringLiteral("theme"), QStringLiteral("light, dark or system."), QStringLiteral("theme"));
    const QCommandLineOption screenshots(QStringLiteral("screenshots"),
        QStringLiteral("Write a picture of every page to this folder and exit."),
        QStringLiteral("folder"));
    const QCommandLineOption run(QStringLiteral("run"),
        QStringLiteral("Show the run in this folder."), QStringLiteral("folder"));
    parser.addOptions({ theme, screenshots, run });
    parser.process(application);

    const bool for_pictures = parser.isSet(screenshots);
    QTemporaryDir scratch;
    QSettings user_settings;
    QSettings picture_settings(
        scratch.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat);
    QSettings& settings = for_pictures ? picture_settings : user_settings;
    const QString autosave = for_pictures
        ? scratch.filePath(QStringLiteral("autosave"))
        : QStandardPaths::writableLocation(QStandardPaths::AppLocalDataLocation)
            + QStringLiteral("/unsaved");

    zen::ui::WheelGuard wheel_guard;
    application.installEventFilter(&wheel_guard);
    zen::ui::ThemeSource themes(application);
    themes.setMode(themeFrom(parser.value(theme), settings));
    themes.setZoom(settings.value(QStringLiteral("zoom"), 1.0).toDouble());

    zen::ui::StudioWindow window(themes, settings, autosave);
    if (for_pictures) {
        const bool written = zen::ui::writeScreenshots(
            window, themes, parser.value(screenshots), parser.value(run));
        if (!written)
            std::fprintf(stderr, "The pictures could not be written to %s\n",
                qPrintable(parser.value(screenshots)));
        return written ? 0 : 1;
    }
    window.restoreLastTime();
    if (!parser.positionalArguments().isEmpty())
        window.openFile(parser.positionalArguments().first());
    if (parser.isSet(run))
        window.showRunFolder(parser.value(run));
    window.show();
    return QApplication::exec();
}
