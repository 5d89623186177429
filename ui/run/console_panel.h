#pragma once

#include "core/runs/events.h"

#include <QTimer>
#include <QWidget>

#include <filesystem>

class QPushButton;

namespace zen::ui {

class TextView;

/// The newest lines of a run's console. The whole of it is in console.log, which the button opens.
class ConsolePanel : public QWidget {
    Q_OBJECT
public:
    explicit ConsolePanel(QWidget* parent = nullptr);

    void append(const LogLine& line); ///< shown a few times a second, many lines at once
    void clear();
    void setFile(const std::filesystem::path& console_log);

private:
    void flush();

    QTimer m_timer;
    QString m_pending;
    std::filesystem::path m_file;
    TextView* m_view = nullptr;
    QPushButton* m_open = nullptr;
};

} // namespace zen::ui
