#pragma once

#include <QDir>
#include <QProcess>
#include <QProcessEnvironment>
#include <QString>
#include <QStringList>

/// What one call of gym gave back.
struct GymResult {
    int code = -1;
    QString out;
    QString err;
};

/// gym's program file.
inline QString gymProgram()
{
    return QStringLiteral(ZEN_BINARY_DIR "/bin/gym");
}

/// An environment in which no weights but the shipped ones can be found.
inline QProcessEnvironment bareEnvironment(const QString& home)
{
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert(QStringLiteral("LC_ALL"), QStringLiteral("C.UTF-8"));
    environment.insert(QStringLiteral("HOME"), home);
    for (const char* name : { "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME",
             "HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE" })
        environment.remove(QLatin1String(name));
    environment.remove(QStringLiteral("CUDA_VISIBLE_DEVICES"));
    return environment;
}

/// Runs gym in the project's root and waits for it; `home` is an empty folder.
inline GymResult runGym(
    const QStringList& arguments, const QString& home, const QStringList& more_environment = {})
{
    QProcess process;
    QProcessEnvironment environment = bareEnvironment(home);
    for (const QString& entry : more_environment)
        environment.insert(
            entry.section(QLatin1Char('='), 0, 0), entry.section(QLatin1Char('='), 1));
    process.setProcessEnvironment(environment);
    process.setWorkingDirectory(QStringLiteral(ZEN_SOURCE_DIR));
    process.start(gymProgram(), arguments);
    if (!process.waitForFinished(60'000) || process.exitStatus() != QProcess::NormalExit)
        return {};
    return { process.exitCode(), QString::fromUtf8(process.readAllStandardOutput()),
        QString::fromUtf8(process.readAllStandardError()) };
}
