#include "ui/tiers/weights_fetch.h"

namespace zen::ui {

WeightsFetch::WeightsFetch(QObject* parent)
    : QObject(parent)
    , m_newest(*this, [this](FetchProgress progress) {
        m_progress = std::move(progress);
        if (isActive())
            Q_EMIT changed();
    })
{
}

bool WeightsFetch::start(const FetchRequest& request)
{
    if (isActive())
        return false;
    m_request = request;
    m_progress = {};
    m_message.clear();
    m_newest.forget(); // the last worker has ended
    m_worker = std::jthread([this, request](const std::stop_token& stop) {
        Result<FetchedModel> model = fail("nothing was fetched");
        if (const auto settings = hubSettings(); !settings)
            model = tl::unexpected(settings.error());
        else
            model = fetchModel(
                request, *settings, [this](const FetchProgress& now) { m_newest.publish(now); },
                stop);
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

void WeightsFetch::finish(const Result<FetchedModel>& model)
{
    m_newest.takeNow();
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
