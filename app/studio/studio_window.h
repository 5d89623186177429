#pragma once

#include "ui/export/model_export.h"
#include "ui/form/autosave.h"
#include "ui/form/config_session.h"
#include "ui/form/row_counter.h"
#include "ui/run/training_session.h"
#include "ui/shell/main_window.h"
#include "ui/shell/theme_source.h"
#include "ui/tiers/catalogue.h"

class QMenu;
class QSettings;

namespace zen::ui {

class ChatPage;
class ConfigurePage;
class DataPage;
class ExportPage;
class HistoryPage;
class RolloutsPage;
class RunPage;
class TiersPage;

/// The studio as one window: it makes the pages, the menus and the strip, and connects them; what
/// they do is theirs.
class StudioWindow : public MainWindow {
    Q_OBJECT
public:
    /// `settings` and `autosave_folder` outlive the program; an empty folder keeps nothing.
    StudioWindow(ThemeSource& themes, QSettings& settings, const QString& autosave_folder,
        QWidget* parent = nullptr);
    ~StudioWindow() override;

    ConfigSession& config() { return m_config; }
    TrainingSession& training() { return m_training; }
    const Catalogue& catalogue() const { return m_catalogue; }

    /// Puts back geometry, page and unsaved edits of the last time, or shows the tiers.
    void restoreLastTime();

    /// What a start does after its checks; the session with the real trainer unless replaced (a
    /// scripted run in a test).
    using BeginRun = std::function<bool(TrainingSession&, const TrainerOptions&)>;
    void setBeginRun(BeginRun begin) { m_begin_run = std::move(begin); }

    /// What writes a run's weights; exportWeights() unless replaced (a slow one in a test).
    void setWriteModel(WriteModel write) { m_write_model = std::move(write); }

    void openFile(const QString& path); ///< a YAML file, or a run folder
    void openTier(const Tier& tier);
    void showRunFolder(const QString& folder); ///< a finished or running run, read from its folder

protected:
    void closeEvent(QCloseEvent* event) override;

private:
    void addPages();
    void connectFormPages();
    void connectRunPages();
    void addMenus();
    void addFileMenu();
    void addEditMenu();
    void addRunMenu();
    void addViewMenu();
    void addHelpMenu();
    void fillRecentFiles();
    void connectTraining();

    void openDialog();
    bool save();
    bool saveAs();
    bool mayLoseEdits();
    void startRun(const TrainerOptions& options);
    void resumeRun(const QString& folder);
    void exportModel(const QString& run_folder);
    std::filesystem::path runsRoot() const; ///< where the configuration at hand puts its runs
    void pauseOrResume();
    void refreshStrip();
    void refreshTitle();
    void refreshRunActions();
    bool mayClose();
    void resetLayout();
    void showAbout();

    ThemeSource& m_themes;
    QSettings& m_settings;
    Catalogue m_catalogue;
    ConfigSession m_config;
    Autosave m_autosave;
    RowCounter m_rows;
    TrainingSession m_training;

    TiersPage* m_tiers_page = nullptr;
    ConfigurePage* m_configure_page = nullptr;
    DataPage* m_data_page = nullptr;
    RunPage* m_run_page = nullptr;
    RolloutsPage* m_rollouts_page = nullptr;
    HistoryPage* m_history_page = nullptr;
    ExportPage* m_export_page = nullptr;
    ChatPage* m_chat_page = nullptr;
    QMenu* m_recent = nullptr;
    QAction* m_start_action = nullptr;
    QAction* m_pause_action = nullptr;
    QAction* m_stop_action = nullptr;
    QAction* m_save_now_action = nullptr;
    QAction* m_sample_action = nullptr;
    BeginRun m_begin_run;
    WriteModel m_write_model = exportWeights;
    bool m_close_after_run = false;
};

} // namespace zen::ui
