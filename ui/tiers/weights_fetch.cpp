#include "ui/tiers/weights_fetch.h"

#include <utility>

namespace zen::ui {

bool WeightsFetch::start(const FetchRequest& request)
{
    if (isActive())
        return false;
    m_request = request;
    m_progress = {};
    m_message.clear();
    m_newest.reset(); // the last worker has ended
    m_worker = std::jthread([this, request](const std::stop_token& stop) {
        Result<FetchedModel> model = fail("nothing was fetched");
        if (const auto settings = hubSettings(); !settings)
            model = tl::unexpected(settings.error());
        else
            model = fetchModel(
                request, *settings, [this](const FetchProgress& now) { publish(now); }, stop);
        QMetaObject::invokeMethod(
            this, [this, model] { finish(model); }, Qt::QueuedConnection);
    });
    setState(State::fetching);
    return true;
}

void WeightsFetch::stop()
{
    if (m_state != State::fetching)
        return;
    m_worker.request_stop();
    setState(State::stopping);
}

void WeightsFetch::forget()
{
    if (!isActive())
        setState(State::idle);
}

void WeightsFetch::publish(const FetchProgress& progress)
{
    bool was_taken = false;
    {
        const std::scoped_lock lock(m_mutex);
        was_taken = !m_newest;
        m_newest = progress;
    }
    if (was_taken)
        QMetaObject::invokeMethod(this, &WeightsFetch::takeProgress, Qt::QueuedConnection);
}

void WeightsFetch::takeProgress()
{
    {
        const std::scoped_lock lock(m_mutex);
        if (!m_newest)
            return;
        m_progress = *std::exchange(m_newest, std::nullopt);
    }
    if (isActive())
        Q_EMIT changed();
}

void WeightsFetch::finish(const Result<FetchedModel>& model)
{
    takeProgress();
    if (!model)
        m_message = QString::fromStdString(model.error().message);
    setState(!model ? State::failed : model->stopped ? State::stopped : State::done);
}

void WeightsFetch::setState(State state)
{
    m_state = state;
    Q_EMIT changed();
}

} // namespace zen::ui
