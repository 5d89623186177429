#include "ui/export/model_export.h"

#include <utility>

namespace zen::ui {

ModelExport::ModelExport(WriteModel write, QObject* parent)
    : QObject(parent)
    , m_write(std::move(write))
    , m_newest(*this, [this](double fraction) {
        m_fraction = fraction;
        if (isActive())
            Q_EMIT changed();
    })
{
}

bool ModelExport::start(WeightExportOptions options)
{
    if (isActive())
        return false;
    m_fraction = 0;
    m_written = {};
    m_message.clear();
    m_newest.forget(); // the last worker has ended
    m_worker = std::jthread([this, options](const std::stop_token& stop) mutable {
        options.on_progress = [this](double fraction) { m_newest.publish(fraction); };
        options.is_cancelled = [stop] { return stop.stop_requested(); };
        const Result<WeightExport> written = m_write(options);
        QMetaObject::invokeMethod(
            this, [this, written] { finish(written); }, Qt::QueuedConnection);
    });
    setState(State::writing);
    return true;
}

void ModelExport::stop()
{
    if (m_state != State::writing)
        return;
    m_worker.request_stop();
    setState(State::stopping);
}

void ModelExport::forget()
{
    if (!isActive() && m_state != State::idle)
        setState(State::idle);
}

void ModelExport::finish(const Result<WeightExport>& written)
{
    m_newest.takeNow();
    if (written) { // also where the wish to stop came too late
        m_written = *written;
        setState(State::done);
        return;
    }
    m_message = QString::fromStdString(written.error().message);
    setState(m_state == State::stopping ? State::stopped : State::failed);
}

void ModelExport::setState(State state)
{
    m_state = state;
    Q_EMIT changed();
}

} // namespace zen::ui
