#include "ui/run/training_session.h"

#include "core/runs/event_queue.h"

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <type_traits>

namespace zen::ui {

namespace {

constexpr std::chrono::milliseconds kDrainInterval{ 40 };
constexpr int kTrainerNiceness = 5;

/// The window must win against a trainer that fills every core; threads that this one starts
/// inherit it (Linux).
void yieldToTheWindow()
{
    setpriority(PRIO_PROCESS, 0, kTrainerNiceness);
}

Result<std::unique_ptr<TrainingJob>> makeJobSafely(const TrainingSession::MakeJob& make_job)
{
    try {
        return make_job();
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}

bool isEnd(const Event& event)
{
    return std::holds_alternative<RunFinished>(event) || std::holds_alternative<RunFailed>(event);
}

Event stoppedBeforeStart()
{
    RunFinished finished;
    finished.status = "stopped";
    return finished;
}

/// Everything that happens on the worker thread; the job dies before this returns.
void work(const TrainingSession::MakeJob& make_job, RunControl& control, EventQueue& queue)
{
    yieldToTheWindow();
    auto job = makeJobSafely(make_job);
    if (!job)
        queue.publish(RunFailed{ job.error().message, {} });
    else if (control.stopRequested())
        queue.publish(stoppedBeforeStart());
    else
        (*job)->run(control, queue);
}

} // namespace

struct TrainingSession::Run {
    RunControl control;
    EventQueue queue;
    std::optional<Event> end; ///< window thread only
    bool started = false; ///< window thread only
    std::atomic<bool> ended{ false };
    std::jthread worker; // last: joined before the control and the queue that it uses die
};

TrainingSession::TrainingSession(QObject* parent)
    : QObject(parent)
{
    m_timer.setInterval(kDrainInterval);
    connect(&m_timer, &QTimer::timeout, this, &TrainingSession::drain);
}

TrainingSession::~TrainingSession()
{
    if (m_run) {
        m_run->control.requestStop();
        m_run->control.resume();
    }
}

bool TrainingSession::start(MakeJob make_job)
{
    if (isActive())
        return false;
    m_status = RunStatus();
    m_run = std::make_unique<Run>();
    m_run->worker = std::jthread([run = m_run.get(), make_job = std::move(make_job)] {
        work(make_job, run->control, run->queue);
        run->ended.store(true);
    });
    setState(State::loading);
    Q_EMIT statusChanged();
    m_timer.start();
    return true;
}

bool TrainingSession::start(const TrainerOptions& options)
{
    if (isActive())
        return false;
    m_options = options;
    return start([options]() -> Result<std::unique_ptr<TrainingJob>> {
        return loadEngine().and_then(
            [&](Engine* engine) { return engine->createTrainer(options); });
    });
}

void TrainingSession::pause()
{
    if (m_state != State::running && m_state != State::loading)
        return;
    m_run->control.pause();
    setState(State::paused);
}

void TrainingSession::resume()
{
    if (m_state != State::paused)
        return;
    m_run->control.resume();
    setState(m_run->started ? State::running : State::loading);
}

void TrainingSession::stop()
{
    if (!isActive())
        return;
    if (m_state == State::stopping)
        return abort();
    m_run->control.requestStop();
    m_run->control.resume();
    setState(State::stopping);
}

void TrainingSession::abort()
{
    if (!isActive())
        return;
    m_run->control.abort();
    m_run->control.resume();
    setState(State::stopping);
}

void TrainingSession::saveNow()
{
    if (isActive())
        m_run->control.saveNow();
}

void TrainingSession::sampleNow()
{
    if (isActive())
        m_run->control.sampleNow();
}

bool TrainingSession::isActive() const
{
    return m_run != nullptr;
}

void TrainingSession::drain()
{
    if (m_draining || !m_run) // a slot opened a dialog: its events wait for the outer drain
        return;
    m_draining = true;
    const bool ended
        = m_run->ended.load(); // read first: what was published before it is in this drain
    std::vector<Event> events = m_run->queue.drain();
    for (const Event& event : events) {
        if (isEnd(event))
            m_run->end = event;
        else
            m_status.apply(event);
    }
    if (!events.empty())
        Q_EMIT statusChanged();
    for (const Event& event : events)
        if (!isEnd(event))
            announce(event);
    m_draining = false;
    if (ended)
        endRun();
}

/// The end is told only when the thread is gone, so that whoever hears of it may start the next
/// run.
void TrainingSession::endRun()
{
    const Event end = m_run->end.value_or(
        RunFailed{ "The run ended without saying how; the console shows its last lines.", {} });
    m_timer.stop();
    m_run.reset();
    m_status.apply(end);
    setState(std::holds_alternative<RunFinished>(end) ? State::finished : State::failed);
    Q_EMIT statusChanged();
    announce(end);
}

void TrainingSession::announce(const Event& event)
{
    Q_EMIT eventReceived(event);
    std::visit(
        [this](const auto& e) {
            using E = std::decay_t<decltype(e)>;
            if constexpr (std::is_same_v<E, RunStarted>) {
                m_run->started = true;
                if (m_state == State::loading)
                    setState(State::running);
                Q_EMIT started(e);
            } else if constexpr (std::is_same_v<E, PhaseChanged>)
                Q_EMIT phaseChanged(e);
            else if constexpr (std::is_same_v<E, StepFinished>)
                Q_EMIT stepFinished(e);
            else if constexpr (std::is_same_v<E, EvaluationFinished>)
                Q_EMIT evaluationFinished(e);
            else if constexpr (std::is_same_v<E, CompletionsSampled>)
                Q_EMIT completionsSampled(e);
            else if constexpr (std::is_same_v<E, LogLine>)
                Q_EMIT logLine(e);
            else if constexpr (std::is_same_v<E, CheckpointSaved>)
                Q_EMIT checkpointSaved(e);
            else if constexpr (std::is_same_v<E, RunFinished>)
                Q_EMIT finished(e);
            else if constexpr (std::is_same_v<E, RunFailed>)
                Q_EMIT failed(e);
        },
        event);
}

void TrainingSession::setState(State state)
{
    if (m_state == state)
        return;
    m_state = state;
    Q_EMIT stateChanged(state);
}

} // namespace zen::ui
