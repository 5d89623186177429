#include "ui/form/autosave.h"

#include "core/base/durable_file.h"
#include "ui/form/config_session.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>

#include <spdlog/spdlog.h>

namespace zen::ui {

namespace {

constexpr int kDelayMilliseconds = 400;
constexpr qint64 kLargestFile = 8 * 1024 * 1024;

/// "unsaved-<pid>.json" of a process that still runs belongs to another window.
bool belongsToLiveProcess(const QString& file_name)
{
    const QString pid = file_name.section(QLatin1Char('-'), 1).section(QLatin1Char('.'), 0, 0);
    return pid.toLongLong() != QCoreApplication::applicationPid()
        && QFile::exists(QStringLiteral("/proc/%1").arg(pid));
}

} // namespace

Autosave::Autosave(ConfigSession& session, const QString& folder, QObject* parent)
    : QObject(parent)
    , m_session(session)
    , m_folder(folder)
{
    m_timer.setSingleShot(true);
    m_timer.setInterval(kDelayMilliseconds);
    connect(&m_timer, &QTimer::timeout, this, &Autosave::writeNow);
    connect(&session, &ConfigSession::changed, &m_timer, qOverload<>(&QTimer::start));
    connect(&session, &ConfigSession::sourceChanged, &m_timer, qOverload<>(&QTimer::start));
}

QString Autosave::ownFile() const
{
    return QStringLiteral("%1/unsaved-%2.json")
        .arg(m_folder, QString::number(QCoreApplication::applicationPid()));
}

void Autosave::writeNow()
{
    m_timer.stop();
    if (!m_session.isDirty()) {
        QFile::remove(ownFile());
        return;
    }
    const QJsonObject content{
        { QStringLiteral("path"), m_session.path() },
        { QStringLiteral("name"), m_session.name() },
        { QStringLiteral("baseline"), QString::fromStdString(m_session.baseline().text()) },
        { QStringLiteral("saved"), m_session.savedText() },
        { QStringLiteral("text"), m_session.text() },
    };
    QDir().mkpath(m_folder);
    const QByteArray bytes = QJsonDocument(content).toJson();
    if (auto written = writeDurably(ownFile().toStdString(),
            std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size())));
        !written)
        spdlog::warn("Unsaved edits could not be kept: {}", written.error().message);
}

bool Autosave::restore()
{
    const QDir folder(m_folder);
    const auto files
        = folder.entryInfoList({ QStringLiteral("unsaved-*.json") }, QDir::Files, QDir::Time);
    for (const QFileInfo& info : files) {
        if (belongsToLiveProcess(info.fileName()))
            continue;
        QFile file(info.filePath());
        QJsonObject content;
        if (info.size() <= kLargestFile && file.open(QIODevice::ReadOnly))
            content = QJsonDocument::fromJson(file.readAll()).object();
        const auto value
            = [&content](const char* key) { return content.value(QLatin1String(key)).toString(); };
        file.close();
        if (content.contains(QLatin1String("text"))) {
            m_session.restore(
                value("path"), value("name"), value("baseline"), value("saved"), value("text"));
            writeNow();
            if (info.filePath() != ownFile())
                file.remove();
            return true;
        }
        file.remove();
    }
    return false;
}

} // namespace zen::ui
