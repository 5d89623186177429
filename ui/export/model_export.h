#pragma once

#include "core/train/export_weights.h"
#include "ui/run/newest_value.h"

#include <QObject>
#include <QString>

#include <functional>
#include <thread>

namespace zen::ui {

/// What writes the files: exportWeights(), or a stand-in of a test.
using WriteModel = std::function<Result<WeightExport>(const WeightExportOptions&)>;

/// Owns one export of a run's weights at a time and the thread that it lives on.
///
///   worker thread: write() --NewestValue--> window thread
///   window thread: stop() --stop token, asked between tensors--> worker
///
/// Destroying it in mid-export stops and waits for the tensor at hand; nothing is left behind.
class ModelExport : public QObject {
    Q_OBJECT
public:
    enum class State { idle, writing, stopping, done, stopped, failed };
    Q_ENUM(State)

    explicit ModelExport(WriteModel write, QObject* parent = nullptr);

    /// False (and nothing happens) while another export goes on. The options' own on_progress and
    /// is_cancelled are not used.
    bool start(WeightExportOptions options);
    void stop(); ///< after the tensor at hand
    void forget(); ///< back to idle after an end

    State state() const { return m_state; }
    bool isActive() const { return m_state == State::writing || m_state == State::stopping; }
    double fraction() const { return m_fraction; } ///< 0 to 1
    const WeightExport& written() const { return m_written; } ///< of the last one that was done
    const QString& message() const { return m_message; } ///< why it failed

Q_SIGNALS:
    void changed(); ///< state or progress

private:
    void finish(const Result<WeightExport>& written);
    void setState(State state);

    WriteModel m_write;
    State m_state = State::idle;
    double m_fraction = 0;
    WeightExport m_written;
    QString m_message;
    NewestValue<double> m_newest;
    std::jthread m_worker; // last: joined before what it uses dies
};

} // namespace zen::ui
