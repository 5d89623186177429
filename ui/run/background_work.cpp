#include "ui/run/background_work.h"

namespace zen::ui {

BackgroundWork::~BackgroundWork()
{
    for (const auto& job : m_jobs)
        job->thread.request_stop();
    m_jobs.clear();
}

void BackgroundWork::launch(std::function<Deliver(std::stop_token)> work)
{
    removeFinished();
    for (const auto& job : m_jobs)
        job->thread.request_stop();
    const std::uint64_t ticket = ++m_ticket;
    auto job = std::make_unique<Job>();
    job->thread = std::jthread(
        [this, ticket, state = job.get(), work = std::move(work)](std::stop_token stop) {
            const Deliver result = work(std::move(stop));
            QMetaObject::invokeMethod(
                this, [this, ticket, result] { deliver(ticket, result); }, Qt::QueuedConnection);
            state->finished.store(true);
        });
    m_jobs.push_back(std::move(job));
    setBusy(true);
}

void BackgroundWork::cancel()
{
    for (const auto& job : m_jobs)
        job->thread.request_stop();
    ++m_ticket;
    setBusy(false);
}

void BackgroundWork::deliver(std::uint64_t ticket, const Deliver& result)
{
    removeFinished();
    if (ticket != m_ticket)
        return;
    setBusy(false);
    result();
}

void BackgroundWork::removeFinished()
{
    m_jobs.remove_if([](const auto& job) { return job->finished.load(); });
}

void BackgroundWork::setBusy(bool busy)
{
    if (busy == m_busy)
        return;
    m_busy = busy;
    Q_EMIT busyChanged(busy);
}

} // namespace zen::ui
