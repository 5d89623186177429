#include "app/studio/studio_window.h"

#include "core/base/duration_text.h"
#include "core/base/machine.h"
#include "core/config/schema.h"
#include "core/train/check_start.h"
#include "ui/chat/chat_page.h"
#include "ui/data/data_page.h"
#include "ui/export/export_page.h"
#include "ui/export/import_dialog.h"
#include "ui/export/model_export_dialog.h"
#include "ui/form/configure_page.h"
#include "ui/form/problems_dialog.h"
#include "ui/form/recent_files.h"
#include "ui/history/history_page.h"
#include "ui/rollouts/rollouts_page.h"
#include "ui/run/run_page.h"
#include "ui/shell/ask.h"
#include "ui/shell/empty_state.h"
#include "ui/shell/run_strip.h"
#include "ui/tiers/tiers_page.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QSettings>
#include <QVBoxLayout>

namespace zen::ui {

namespace {

QString phaseText(Phase phase)
{
    QString word
        = QString::fromUtf8(nameOf(phase).data(), static_cast<qsizetype>(nameOf(phase).size()));
    if (!word.isEmpty())
        word[0] = word[0].toUpper();
    return StudioWindow::tr(word.toUtf8().constData());
}

} // namespace

StudioWindow::StudioWindow(
    ThemeSource& themes, QSettings& settings, const QString& autosave_folder, QWidget* parent)
    : MainWindow(parent)
    , m_themes(themes)
    , m_settings(settings)
    , m_catalogue(loadCatalogue())
    , m_autosave(m_config, autosave_folder)
{
    addPages();
    addMenus();
    connectTraining();
    connect(&m_config, &ConfigSession::sourceChanged, this, &StudioWindow::refreshTitle);
    connect(&m_config, &ConfigSession::settled, this, [this] { m_rows.look(m_config.config()); });
    connect(&m_rows, &RowCounter::counted, m_configure_page, &ConfigurePage::setTrainingRows);
    connect(this, &MainWindow::filesDropped, this,
        [this](const QStringList& paths) { openFile(paths.first()); });
    setMayClose([this] { return mayClose(); });
    if (!m_catalogue.tiers.empty())
        openTier(m_catalogue.tiers.front());
    showPage(PageId::tiers);
    refreshTitle();
}

StudioWindow::~StudioWindow() = default;

void StudioWindow::addPages()
{
    const auto config_at_hand = [this] { return m_config.config(); };
    m_tiers_page = new TiersPage(m_catalogue, this);
    m_configure_page = new ConfigurePage(m_config, m_catalogue, this);
    m_data_page = new DataPage(config_at_hand, this);
    m_run_page = new RunPage(m_training, this);
    m_rollouts_page = new RolloutsPage(m_training, this);
    m_history_page = new HistoryPage([this] { return runsRoot(); }, this);
    m_export_page = new ExportPage(m_config, m_catalogue, this);
    ChatContext chat;
    chat.config = config_at_hand;
    chat.runs_root = [this] { return runsRoot(); };
    m_chat_page = new ChatPage(std::move(chat), this);
    for (Page* page : std::initializer_list<Page*>{ m_tiers_page, m_configure_page, m_data_page,
             m_run_page, m_rollouts_page, m_history_page, m_export_page, m_chat_page })
        addPage(page);
    connectFormPages();
    connectRunPages();
}

void StudioWindow::connectFormPages()
{
    connect(m_tiers_page, &TiersPage::tierOpened, this, [this](const Tier& tier) {
        if (!mayLoseEdits())
            return;
        openTier(tier);
        showPage(PageId::configure);
    });
    connect(m_tiers_page, &TiersPage::folderWanted, this, &StudioWindow::openDialog);
    connect(m_configure_page, &ConfigurePage::startRequested, this, &StudioWindow::startRun);
    connect(m_configure_page, &ConfigurePage::exportRequested, this,
        [this] { showPage(PageId::export_config); });
    connect(m_data_page, &DataPage::configureRequested, this, [this] {
        showPage(PageId::configure);
        m_configure_page->jumpTo(QStringLiteral("dataset"));
    });
    connect(m_export_page, &ExportPage::exported, this,
        [this](const QString& path) { rememberFile(m_settings, path); });
}

void StudioWindow::connectRunPages()
{
    const auto show_tiers = [this] { showPage(PageId::tiers); };
    const auto show_rollouts = [this](const QString& folder, std::optional<qint64> step) {
        if (folder.isEmpty())
            m_rollouts_page->showLiveRun();
        else
            m_rollouts_page->showRun(folder.toStdString());
        if (step)
            m_rollouts_page->showStep(*step);
        showPage(PageId::rollouts);
    };
    connect(m_run_page, &RunPage::startRequested, this, [this] {
        showPage(PageId::configure);
        m_configure_page->start();
    });
    connect(m_run_page, &RunPage::resumeRequested, this, &StudioWindow::resumeRun);
    connect(m_run_page, &RunPage::exportRequested, this, &StudioWindow::exportModel);
    connect(m_run_page, &RunPage::tiersRequested, this, show_tiers);
    connect(m_run_page, &RunPage::rolloutsRequested, this, show_rollouts);
    connect(m_run_page, &RunPage::loadFailed, this,
        [this](const QString& message) { tell(this, tr("The run cannot be shown"), message); });
    connect(m_rollouts_page, &RolloutsPage::runRequested, this, [this] { showPage(PageId::run); });
    connect(m_history_page, &HistoryPage::openRequested, this, &StudioWindow::showRunFolder);
    connect(m_history_page, &HistoryPage::resumeRequested, this, &StudioWindow::resumeRun);
    connect(m_history_page, &HistoryPage::exportRequested, this, &StudioWindow::exportModel);
    connect(m_history_page, &HistoryPage::rolloutsRequested, this,
        [show_rollouts](const QString& folder) { show_rollouts(folder, std::nullopt); });
    connect(m_history_page, &HistoryPage::tiersRequested, this, show_tiers);
}

std::filesystem::path StudioWindow::runsRoot() const
{
    const std::filesystem::path parent
        = std::filesystem::path(m_config.config().run.output_dir).parent_path();
    return parent.empty() ? std::filesystem::path("runs") : parent;
}

void StudioWindow::connectTraining()
{
    connect(&strip(), &RunStrip::pauseClicked, this, &StudioWindow::pauseOrResume);
    connect(&strip(), &RunStrip::stopClicked, &m_training, &TrainingSession::stop);
    connect(&m_training, &TrainingSession::statusChanged, this, &StudioWindow::refreshStrip);
    connect(&m_training, &TrainingSession::stateChanged, this, [this] {
        refreshStrip();
        refreshRunActions();
        m_configure_page->setRunActive(m_training.isActive());
        if (!m_training.isActive()) {
            QApplication::alert(this);
            if (m_close_after_run)
                close();
        }
    });
    refreshRunActions();
}

void StudioWindow::refreshStrip()
{
    const RunStatus& status = m_training.status();
    RunStripState state;
    state.active = m_training.isActive();
    state.paused = m_training.state() == TrainingSession::State::paused;
    state.stopping = m_training.state() == TrainingSession::State::stopping;
    state.phase = state.paused ? tr("Paused")
        : state.stopping       ? tr("Stopping after this step")
                               : phaseText(status.phase());
    state.step = status.step();
    state.total = status.totalSteps();
    if (const auto seconds = status.secondsLeft())
        state.eta = QString::fromStdString(formatDuration(*seconds));
    state.rollout_tokens_per_second = status.metric("speed/rollout_tokens_per_second").value_or(0);
    state.memory_now = state.active ? residentBytes() : 0;
    state.memory_planned = status.plannedMemory();
    state.reward = status.metric("reward");
    state.loss = status.metric("loss");
    state.perplexity = status.metric("policy/ppl");
    state.can_pause = m_training.state() == TrainingSession::State::running || state.paused;
    state.can_stop = state.active;
    state.why_not = state.stopping ? tr("The run is stopping.") : tr("The run is loading.");
    strip().setState(state);
}

void StudioWindow::restoreLastTime()
{
    restoreGeometry(m_settings.value(QStringLiteral("window/geometry")).toByteArray());
    m_run_page->restoreLayout(m_settings.value(QStringLiteral("window/runLayout")).toByteArray());
    const QString last_file = m_settings.value(QStringLiteral("lastFile")).toString();
    const bool restored = m_autosave.restore();
    if (!restored && !last_file.isEmpty() && QFileInfo::exists(last_file))
        static_cast<void>(m_config.open(last_file));
    const int page_index = m_settings.value(QStringLiteral("window/page"), 0).toInt();
    showPage(static_cast<PageId>(page_index));
}

void StudioWindow::openFile(const QString& path)
{
    if (QFileInfo(path).isDir()) {
        showRunFolder(path);
        return;
    }
    if (!mayLoseEdits())
        return;
    if (const auto foreign = readForeignFile(path)) {
        ImportDialog dialog(QFileInfo(path).fileName(), foreign->imported, foreign->target, this);
        if (dialog.exec() != QDialog::Accepted)
            return;
        const QString text = QString::fromStdString(foreign->imported.yaml);
        m_config.restore({}, QFileInfo(path).completeBaseName() + QStringLiteral(".zen.yaml"), text,
            {}, text); // not saved anywhere yet
        showPage(PageId::configure);
        return;
    }
    if (const auto opened = m_config.open(path); !opened) {
        tell(this, tr("The file cannot be opened"), QString::fromStdString(opened.error().message));
        return;
    }
    rememberFile(m_settings, m_config.path());
    showPage(PageId::configure);
}

void StudioWindow::openTier(const Tier& tier)
{
    const QString path
        = QString::fromStdString((m_catalogue.config_folder / tier.config_file).string());
    if (const auto opened = m_config.openTemplate(path); !opened)
        tell(this, tr("The tier's configuration cannot be opened"),
            QString::fromStdString(opened.error().message));
}

void StudioWindow::showRunFolder(const QString& folder)
{
    const std::filesystem::path path(folder.toStdString());
    m_run_page->setRunsRoot(path.parent_path());
    m_run_page->showRun(path);
    m_rollouts_page->showRun(path);
    m_chat_page->chooseRun(path);
    showPage(PageId::run);
}

void StudioWindow::openDialog()
{
    const QString folder = m_config.path().isEmpty()
        ? QString::fromStdString(m_catalogue.config_folder.string())
        : QFileInfo(m_config.path()).path();
    const QString path = QFileDialog::getOpenFileName(
        this, tr("Open a configuration"), folder, tr("YAML (*.yaml *.yml);;All files (*)"));
    if (!path.isEmpty())
        openFile(path);
}

bool StudioWindow::save()
{
    if (m_config.path().isEmpty())
        return saveAs();
    if (const auto saved = m_config.save(); !saved) {
        tell(this, tr("Not saved"), QString::fromStdString(saved.error().message));
        return false;
    }
    return true;
}

bool StudioWindow::saveAs()
{
    const QString folder
        = m_config.path().isEmpty() ? QDir::currentPath() : QFileInfo(m_config.path()).path();
    const QString path = QFileDialog::getSaveFileName(this, tr("Save the configuration"),
        folder + QLatin1Char('/') + m_config.name(), tr("YAML (*.yaml *.yml)"));
    if (path.isEmpty())
        return false;
    if (const auto saved = m_config.saveAs(path); !saved) {
        tell(this, tr("Not saved"), QString::fromStdString(saved.error().message));
        return false;
    }
    rememberFile(m_settings, m_config.path());
    return true;
}

bool StudioWindow::mayLoseEdits()
{
    if (!m_config.isDirty())
        return true;
    const int answer = ask(this, tr("Keep the edits to %1?").arg(m_config.name()),
        tr("The configuration has edits that are not saved."),
        { tr("Cancel"), tr("Discard"), tr("Save") });
    return answer == 1 || (answer == 2 && save());
}

void StudioWindow::startRun(const TrainerOptions& options)
{
    if (!(m_begin_run ? m_begin_run(m_training, options) : m_training.start(options)))
        return;
    refreshStrip();
    m_run_page->setRunsRoot(std::filesystem::path(options.config.run.output_dir).parent_path());
    m_run_page->showLiveRun();
    m_rollouts_page->showLiveRun();
    showPage(PageId::run);
}

void StudioWindow::resumeRun(const QString& folder)
{
    auto document
        = YamlDocument::load((std::filesystem::path(folder.toStdString()) / "config.yaml"));
    if (!document) {
        tell(this, tr("The run cannot be resumed"),
            QString::fromStdString(document.error().message));
        return;
    }
    for (const Edit& edit : { Edit{ "output_dir", toYaml(FieldValue(folder.toStdString())) },
             Edit{ "resume_from_checkpoint", "latest" } }) {
        if (const auto done = setField(*document, edit); !done) {
            tell(this, tr("The run cannot be resumed"),
                QString::fromStdString(done.error().message));
            return;
        }
    }
    const ReadConfig read = readConfig(*document);
    Diagnostics problems = read.diagnostics;
    if (!hasErrors(problems)) {
        const Diagnostics found = checkStart(read.config);
        problems.insert(problems.end(), found.begin(), found.end());
    }
    if (hasErrors(problems)) {
        ProblemsDialog(problems, this).exec();
        return;
    }
    TrainerOptions options;
    options.config = read.config;
    options.config_yaml = document->text();
    startRun(options);
}

/// Beside the window, so that a run can be watched while it writes; one at a time.
void StudioWindow::exportModel(const QString& run_folder)
{
    auto* dialog = findChild<ModelExportDialog*>();
    if (!dialog || !dialog->isVisible()) {
        dialog = new ModelExportDialog(run_folder.toStdString(), m_write_model, this);
        dialog->setAttribute(Qt::WA_DeleteOnClose);
    }
    dialog->show();
    dialog->raise();
    dialog->activateWindow();
}

void StudioWindow::pauseOrResume()
{
    if (m_training.state() == TrainingSession::State::paused)
        m_training.resume();
    else
        m_training.pause();
}

void StudioWindow::refreshTitle()
{
    setWindowTitle(tr("%1[*] – Zen Studio").arg(m_config.name()));
    setWindowModified(m_config.isDirty());
}

bool StudioWindow::mayClose()
{
    const auto* model = findChild<ModelExportDialog*>();
    if (model && model->work().isActive()
        && ask(this, tr("A model is being written"),
               tr("Closing cancels it, and nothing of it is left."),
               { tr("Cancel it and close"), tr("Keep writing") })
            != 0)
        return false;
    if (!m_training.isActive())
        return true;
    const int answer = ask(this, tr("A run is going on"),
        tr("Stop after the current step and save a checkpoint? The run can be resumed from there."),
        { tr("Keep running"), tr("End without saving"), tr("Stop and save") });
    if (answer == 1) {
        m_training.abort();
        return true;
    }
    if (answer == 2) {
        m_close_after_run = true;
        m_training.stop();
    }
    return false;
}

void StudioWindow::closeEvent(QCloseEvent* event)
{
    MainWindow::closeEvent(event);
    if (!event->isAccepted())
        return;
    m_autosave.writeNow();
    m_settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
    m_settings.setValue(QStringLiteral("window/runLayout"), m_run_page->saveLayout());
    if (const Page* page = currentPage())
        m_settings.setValue(QStringLiteral("window/page"), static_cast<int>(page->id()));
    m_settings.setValue(QStringLiteral("lastFile"), m_config.path());
}

} // namespace zen::ui
