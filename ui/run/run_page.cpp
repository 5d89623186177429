#include "ui/run/run_page.h"

#include "core/config/read_config.h"
#include "core/plan/memory_plan.h"
#include "core/runs/run_folder.h"
#include "ui/plots/metric_plot.h"
#include "ui/run/completions_panel.h"
#include "ui/run/console_panel.h"
#include "ui/run/health_card.h"
#include "ui/run/run_banner.h"
#include "ui/run/run_facts.h"
#include "ui/run/run_plots.h"
#include "ui/run/shown_text.h"

#include <QDesktopServices>
#include <QKeyEvent>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabBar>
#include <QUrl>

#include <chrono>

namespace zen::ui {

namespace {

constexpr std::chrono::milliseconds kViewInterval{ 250 };
constexpr std::size_t kMostOverlays = 20;

struct LoadedRun {
    Result<RunTrace> trace = fail("not loaded");
    TrainingConfig config;
};

TrainingConfig configOf(const std::filesystem::path& folder)
{
    const auto document = YamlDocument::load(RunFolder{ folder }.configYaml());
    return document ? readConfig(*document).config : TrainingConfig{};
}

LoadedRun loadRun(const std::filesystem::path& folder)
{
    LoadedRun run;
    run.trace = loadRunTrace(folder.string());
    if (run.trace)
        run.config = configOf(folder);
    return run;
}

QString stateWord(TrainingSession::State state)
{
    using State = TrainingSession::State;
    switch (state) {
    case State::loading:
        return RunPage::tr("loading");
    case State::running:
        return RunPage::tr("running");
    case State::paused:
        return RunPage::tr("paused");
    case State::stopping:
        return RunPage::tr("stopping");
    case State::idle:
    case State::finished:
    case State::failed:
        break;
    }
    return {};
}

} // namespace

void RunPage::connectSession()
{
    m_view_timer.setSingleShot(true);
    m_view_timer.setInterval(kViewInterval);
    connect(&m_view_timer, &QTimer::timeout, this, &RunPage::showNewest);
    connect(&m_session, &TrainingSession::eventReceived, this, &RunPage::receive);
    connect(&m_session, &TrainingSession::stateChanged, this, [this](TrainingSession::State state) {
        if (state == TrainingSession::State::loading) {
            (m_live ? m_trace : m_live_trace) = RunTrace();
            m_live_folder = m_session.options().config.run.output_dir;
            m_has_live = true;
            showLiveRun();
        }
        if (m_live)
            showState();
    });
}

/// Live events go to the live run's trace, and to the widgets if that run is the one shown.
void RunPage::receive(const Event& event)
{
    RunTrace& trace = m_live ? m_trace : m_live_trace;
    trace.apply(event);
    if (!m_live)
        return;
    if (const auto* started = std::get_if<RunStarted>(&event))
        receiveStart(*started);
    else if (std::holds_alternative<StepFinished>(event))
        m_plots->append(m_trace);
    else if (const auto* evaluation = std::get_if<EvaluationFinished>(&event))
        m_plots->append(*evaluation);
    else if (const auto* checkpoint = std::get_if<CheckpointSaved>(&event))
        m_plots->append(*checkpoint);
    else if (std::holds_alternative<CompletionsSampled>(event))
        m_completions_due = true;
    else if (const auto* line = std::get_if<LogLine>(&event))
        m_console->append(*line);
    if (m_trace.finished() || m_trace.failed()) {
        showNewest();
        showState();
    } else if (!m_view_timer.isActive()) {
        m_view_timer.start();
    }
}

void RunPage::receiveStart(const RunStarted& event)
{
    m_run_name = event.run_name;
    m_plots->present(m_trace);
    showState();
    if (event.first_step == 0)
        return;
    m_earlier_work.start(
        [folder = m_folder.string()](std::stop_token) { return loadRunTrace(folder); },
        [this](const Result<RunTrace>& earlier) {
            if (!earlier || !m_live)
                return;
            m_trace.prepend(*earlier);
            m_plots->present(m_trace);
            showNewest();
        });
}

void RunPage::showRun(const std::filesystem::path& folder)
{
    if (m_session.isActive() && folder == m_live_folder)
        return showLiveRun();
    m_load_work.start([folder](std::stop_token) { return loadRun(folder); },
        [this, folder](LoadedRun run) {
            if (!run.trace) {
                Q_EMIT loadFailed(QString::fromStdString(run.trace.error().message));
                return;
            }
            if (m_live)
                m_live_trace = std::move(m_trace);
            m_live = false;
            m_folder = folder;
            m_config = std::move(run.config);
            m_run_name = run.trace->started() ? run.trace->started()->run_name : std::string();
            present(std::move(*run.trace));
            Q_EMIT runLoaded(QString::fromStdString(folder.string()));
        });
}

void RunPage::showLiveRun()
{
    if (!m_has_live)
        return;
    m_load_work.cancel();
    if (m_live)
        m_live_trace = std::move(m_trace);
    else
        m_live = true;
    m_folder = m_live_folder;
    m_config = m_session.options().config;
    m_run_name = m_live_trace.started() ? m_live_trace.started()->run_name : m_config.run.run_name;
    present(std::move(m_live_trace));
    m_live_trace = RunTrace();
}

void RunPage::present(RunTrace trace)
{
    m_trace = std::move(trace);
    m_plots->present(m_trace);
    m_console->clear();
    m_console->setFile(
        m_folder.empty() ? std::filesystem::path() : RunFolder{ m_folder }.consoleLog());
    for (const LogLine& line : m_trace.log())
        m_console->append(line);
    m_completions->clear();
    m_completions_due = true;
    m_stack->setCurrentIndex(1);
    showNewest();
    showState();
}

void RunPage::showNewest()
{
    m_view_timer.stop();
    if (m_completions_due && m_trace.newestCompletions())
        m_completions->present(*m_trace.newestCompletions());
    m_completions_due = false;
    m_health->present(healthOf(m_trace));
}

void RunPage::showState()
{
    const std::string model
        = m_trace.started() ? m_trace.started()->model : m_config.model.model_name_or_path;
    const std::string stage
        = m_trace.started() ? m_trace.started()->stage : stageName(m_config.algorithm.stage);
    m_header->setRun(runTitle(model, stage), runFacts(m_run_name, m_config));
    m_plots->reward()->setVisible(stage != "sft"); // learning from answers has no reward
    const bool active = m_live && m_session.isActive();
    m_header->setLive(active);
    m_sample->setVisible(active);
    m_banner->hide();
    if (active) {
        m_header->setState(stateWord(m_session.state()), PillTone::accent);
        if (m_session.state() == TrainingSession::State::loading)
            m_banner->showLoading(tr("The engine, the model and the data are read; the first run "
                                     "after a start takes a moment longer."));
    } else if (m_trace.failed()) {
        m_header->setState(tr("failed"), PillTone::error);
        m_banner->showFailure(QString::fromStdString(m_trace.failed()->message),
            QString::fromStdString(m_trace.failed()->checkpoint));
    } else if (m_trace.finished()) {
        m_header->setState(shownLine(m_trace.finished()->status, 30), PillTone::outline);
    } else {
        m_header->setState(tr("interrupted"), PillTone::warning);
    }
    const bool can_resume = !active && !m_folder.empty() && !m_trace.checkpoints().empty()
        && m_trace.status().step() < m_trace.status().totalSteps();
    m_resume->setVisible(can_resume);
    m_export->setVisible(!active && !m_folder.empty() && holdsWeights(m_folder));
    m_start->setText(m_trace.rows() > 0 ? tr("Start a new run") : tr("Start training"));
    QString shown = m_trace.rows() > 0
        ? tr("%1 steps of %2")
              .arg(static_cast<qint64>(m_trace.status().step()))
              .arg(static_cast<qint64>(m_trace.status().totalSteps()))
        : tr("No steps yet");
    if (const auto& finished = m_trace.finished(); finished && finished->peak_memory_bytes > 0)
        shown += tr(" · peak memory %1")
                     .arg(QString::fromStdString(comparedWithPlan(
                         finished->peak_memory_bytes, finished->planned_memory_bytes)));
    setStripMessage(m_folder.empty()
            ? shown
            : shown + QStringLiteral(" · ") + shownLine(m_folder.string(), 120));
}

void RunPage::showOverlay(const QString& folder)
{
    if (folder.isEmpty()) {
        m_plots->clearOverlay();
        m_header->setOverlay({});
        return;
    }
    const std::string path = folder.toStdString();
    m_overlay_work.start([path](std::stop_token) { return loadRunTrace(path); },
        [this, path](const Result<RunTrace>& other) {
            if (!other) {
                Q_EMIT loadFailed(QString::fromStdString(other.error().message));
                return;
            }
            const QString name = shownLine(other->started() && !other->started()->run_name.empty()
                    ? other->started()->run_name
                    : std::filesystem::path(path).filename().string(),
                60);
            m_plots->setOverlay(name, *other);
            m_header->setOverlay(name);
        });
}

void RunPage::scanForOverlays()
{
    if (m_runs_root.empty())
        return;
    m_scan_work.start([root = m_runs_root](std::stop_token) { return scanRuns(root); },
        [this](const std::vector<RunRecord>& runs) {
            std::vector<RunHeader::OverlayChoice> choices;
            for (const RunRecord& run : runs)
                if (run.folder != m_folder && !run.damaged && choices.size() < kMostOverlays)
                    choices.push_back(
                        { shownLine(
                              run.name.empty() ? run.folder.filename().string() : run.name, 60),
                            run.folder });
            m_header->setOverlayChoices(std::move(choices));
        });
}

void RunPage::refresh()
{
    scanForOverlays();
}

} // namespace zen::ui
