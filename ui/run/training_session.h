#pragma once

#include "core/runs/events.h"
#include "core/train/engine.h"
#include "ui/run/run_status.h"

#include <QObject>
#include <QTimer>

#include <functional>
#include <memory>

namespace zen::ui {

/// Owns one training run at a time and the thread that it lives on: the only object of the window
/// that knows of it.
///
///   worker thread: load engine -> create job -> job.run() --publish--> EventQueue (bounded, never
///   waits) window thread: timer at 25 Hz --drain--> typed signals;   buttons --RunControl
///   (atomics)--> worker
///
/// Nobody else touches the job, and the job touches no widget. Destroying the session in mid-run
/// asks the run to stop after its step and waits for it.
class TrainingSession : public QObject {
    Q_OBJECT

public:
    enum class State { idle, loading, running, paused, stopping, finished, failed };
    Q_ENUM(State)

    /// Makes the job; called on the worker thread. The Error becomes a `failed` signal.
    using MakeJob = std::function<Result<std::unique_ptr<TrainingJob>>()>;

    explicit TrainingSession(QObject* parent = nullptr);
    ~TrainingSession() override;

    /// Starts a run; false (and nothing happens) while another one is active.
    bool start(MakeJob make_job);
    /// The same with the real trainer; the engine is loaded on the worker thread. Remembers
    /// options() for the pages.
    bool start(const TrainerOptions& options);

    void pause();
    void resume();
    void stop(); ///< after the current step, with a checkpoint; asked twice: abort()
    void abort(); ///< as soon as possible, without saving
    void saveNow();
    void sampleNow();

    State state() const { return m_state; }
    bool isActive() const; ///< a run is on its thread: loading, running, paused or stopping
    const RunStatus& status() const { return m_status; }
    const TrainerOptions& options() const { return m_options; } ///< of the newest start(options)

Q_SIGNALS:
    void stateChanged(zen::ui::TrainingSession::State state);
    void statusChanged(); ///< at most once a drain: step, phase, speed, time left may differ
    void started(const zen::RunStarted& event);
    void phaseChanged(const zen::PhaseChanged& event);
    void stepFinished(const zen::StepFinished& event);
    void evaluationFinished(const zen::EvaluationFinished& event);
    void completionsSampled(const zen::CompletionsSampled& event);
    void logLine(const zen::LogLine& event);
    void checkpointSaved(const zen::CheckpointSaved& event);
    void finished(const zen::RunFinished& event);
    void failed(const zen::RunFailed& event);
    void eventReceived(
        const zen::Event& event); ///< every one of the above, before its typed signal

private:
    struct Run;

    void drain();
    void announce(const Event& event);
    void setState(State state);
    void endRun();

    TrainerOptions m_options;
    RunStatus m_status;
    State m_state = State::idle;
    bool m_draining = false;
    QTimer m_timer;
    std::unique_ptr<Run> m_run; // last: its thread is joined before what it uses dies
};

} // namespace zen::ui
