#pragma once

#include "ui/run/background_work.h"
#include "ui/shell/page.h"

#include <filesystem>
#include <functional>

class QPushButton;
class QStackedWidget;

namespace zen::ui {

class HistoryTable;
class PlainLabel;

/// Every run below the runs folder, newest first; read again whenever the page is shown. Damaged
/// ones are listed as such.
class HistoryPage : public Page {
    Q_OBJECT
public:
    /// `runs_root` says where runs are; asked at each refresh.
    explicit HistoryPage(
        std::function<std::filesystem::path()> runs_root, QWidget* parent = nullptr);

    void refresh() override;

Q_SIGNALS:
    void openRequested(const QString& folder); ///< show it on the Run page
    void resumeRequested(const QString& folder);
    void rolloutsRequested(const QString& folder);
    void exportRequested(const QString& folder); ///< what it has learnt, for other programs
    void tiersRequested();

private:
    void showButtons();
    QString currentFolder() const;

    std::function<std::filesystem::path()> m_runs_root;
    BackgroundWork m_scan;
    QStackedWidget* m_stack = nullptr;
    HistoryTable* m_table = nullptr;
    PlainLabel* m_where = nullptr;
    QPushButton* m_open = nullptr;
    QPushButton* m_rollouts = nullptr;
    QPushButton* m_resume = nullptr;
    QPushButton* m_folder = nullptr;
    QPushButton* m_export = nullptr;
};

} // namespace zen::ui
