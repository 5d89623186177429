#pragma once

#include "ui/run/background_work.h"
#include "ui/run/run_header.h"
#include "ui/run/run_trace.h"
#include "ui/run/training_session.h"
#include "ui/shell/page.h"

#include <QTimer>

#include <filesystem>
#include <optional>

class QPushButton;
class QSplitter;
class QStackedWidget;
class QTabBar;

namespace zen::ui {

class CompletionsPanel;
class ConsolePanel;
class HealthCard;
class RunBanner;
class RunPlots;

/// One run, live or from its folder: reward large, perplexity and loss below, then completions,
/// further metrics and the console in tabs, beside the run's health. Starting a run is the
/// application's part: it hears startRequested().
class RunPage : public Page {
    Q_OBJECT
public:
    explicit RunPage(TrainingSession& session, QWidget* parent = nullptr);

    /// Loads a finished (or foreign) run in the background and shows it; loadFailed() if there is
    /// none.
    void showRun(const std::filesystem::path& folder);
    void showLiveRun(); ///< the session's run again, if it has one

    /// Where other runs are, for overlays; scanned when the page is shown.
    void setRunsRoot(const std::filesystem::path& runs_root) { m_runs_root = runs_root; }

    void refresh() override;

    bool showsLiveRun() const { return m_live; }
    const std::filesystem::path& folder() const
    {
        return m_folder;
    } ///< of the run shown; empty: none
    const RunTrace& trace() const { return m_trace; }

    QByteArray saveLayout() const; ///< splitter positions
    void restoreLayout(const QByteArray& state);

Q_SIGNALS:
    void startRequested(); ///< with the configuration at hand
    void resumeRequested(const QString& folder); ///< go on from the newest checkpoint of this run
    void exportRequested(const QString& folder); ///< what this run has learnt
    void tiersRequested();
    void rolloutsRequested(const QString& folder, qint64 step); ///< folder empty: the live run
    void loadFailed(const QString& message);
    void runLoaded(const QString& folder);

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    QWidget* buildEmpty();
    QWidget* buildContent();
    QWidget* buildDetails();
    void connectSession();
    void receive(const Event& event);
    void receiveStart(const RunStarted& event);
    void present(RunTrace trace);
    void showState();
    void showNewest();
    void showOverlay(const QString& folder);
    void exportPlots(const QString& suffix);
    void scanForOverlays();

    TrainingSession& m_session;
    RunTrace m_trace; ///< of the run shown
    RunTrace m_live_trace; ///< of the session's newest run, kept while another one is shown
    TrainingConfig m_config;
    std::string m_run_name;
    std::filesystem::path m_folder, m_live_folder, m_runs_root;
    bool m_live = false;
    bool m_has_live = false;
    QTimer m_view_timer; ///< completions and health are redrawn a few times a second, not with each
                         ///< event
    bool m_completions_due = false;
    BackgroundWork m_load_work, m_overlay_work, m_scan_work, m_earlier_work;

    QStackedWidget* m_stack = nullptr;
    RunHeader* m_header = nullptr;
    RunBanner* m_banner = nullptr;
    RunPlots* m_plots = nullptr;
    QSplitter* m_splitter = nullptr;
    QTabBar* m_tabs = nullptr;
    QStackedWidget* m_details = nullptr;
    CompletionsPanel* m_completions = nullptr;
    ConsolePanel* m_console = nullptr;
    HealthCard* m_health = nullptr;
    QPushButton* m_start = nullptr;
    QPushButton* m_resume = nullptr;
    QPushButton* m_export = nullptr;
    QPushButton* m_sample = nullptr;
};

} // namespace zen::ui
