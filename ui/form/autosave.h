#pragma once

#include <QObject>
#include <QTimer>

namespace zen::ui {

class ConfigSession;

/// Keeps unsaved edits in a file of this process, so that they survive a crash, a kill and an
/// ordinary restart. One file a window; a window that starts takes over the newest file whose
/// process is gone.
class Autosave : public QObject {
    Q_OBJECT
public:
    Autosave(ConfigSession& session, const QString& folder, QObject* parent = nullptr);

    /// Puts back what an earlier session left. False: there was nothing (damaged files are
    /// removed).
    bool restore();

    void writeNow(); ///< at once, instead of a moment after the last edit

private:
    QString ownFile() const;

    ConfigSession& m_session;
    QString m_folder;
    QTimer m_timer;
};

} // namespace zen::ui
