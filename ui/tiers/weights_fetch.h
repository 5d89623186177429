#pragma once

#include "core/fetch/fetch_model.h"
#include "ui/run/newest_value.h"

#include <QObject>
#include <QString>

#include <thread>

namespace zen::ui {

/// Owns one fetch of weights at a time and the thread that it lives on.
///
///   worker thread: fetchModel() --NewestValue--> window thread
///   window thread: stop() --stop token--> worker
///
/// Destroying it in mid-fetch stops and waits a moment; what came so far is kept.
class WeightsFetch : public QObject {
    Q_OBJECT
public:
    enum class State { idle, fetching, stopping, done, stopped, failed };
    Q_ENUM(State)

    explicit WeightsFetch(QObject* parent = nullptr);

    /// Starts with the settings that the environment has now; false (and nothing happens) while
    /// another fetch goes on.
    bool start(const FetchRequest& request);
    void stop(); ///< soon; what came so far is kept
    void forget(); ///< back to idle after an end

    State state() const { return m_state; }
    bool isActive() const { return m_state == State::fetching || m_state == State::stopping; }
    const FetchRequest& request() const { return m_request; }
    const FetchProgress& progress() const { return m_progress; }
    const QString& message() const { return m_message; } ///< why it failed

Q_SIGNALS:
    void changed(); ///< state or progress

private:
    void finish(const Result<FetchedModel>& model);
    void setState(State state);

    State m_state = State::idle;
    FetchRequest m_request;
    FetchProgress m_progress;
    QString m_message;
    NewestValue<FetchProgress> m_newest;
    std::jthread m_worker; // last: joined before what it uses dies
};

} // namespace zen::ui
