#pragma once

#include <QObject>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>

namespace zen::ui {

/// Runs a piece of work (reading a run, a tokenizer, a chat turn) on a thread of its own and hands
/// the result to the window's thread. A newer start() or cancel() makes an older result void and
/// asks its work to stop. The destructor asks and waits, so work that can take long must look at
/// its stop token.
class BackgroundWork : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;
    ~BackgroundWork() override;

    /// `work(std::stop_token)` on another thread, then `done(result)` on this one.
    template <class Work, class Done> void start(Work work, Done done);

    void cancel();
    bool isBusy() const { return m_busy; }

Q_SIGNALS:
    void busyChanged(bool busy);

private:
    using Deliver = std::function<void()>;
    void launch(std::function<Deliver(std::stop_token)> work);
    void deliver(std::uint64_t ticket, const Deliver& result);
    void removeFinished();
    void setBusy(bool busy);

    struct Job {
        std::atomic<bool> finished{ false };
        std::jthread thread;
    };
    std::uint64_t m_ticket = 0; ///< of the newest start
    bool m_busy = false;
    std::list<std::unique_ptr<Job>> m_jobs;
};

template <class Work, class Done> void BackgroundWork::start(Work work, Done done)
{
    launch(
        [work = std::move(work), done = std::move(done)](std::stop_token stop) mutable -> Deliver {
            auto result = std::make_shared<decltype(work(stop))>(work(stop));
            return [result, done = std::move(done)]() mutable { done(std::move(*result)); };
        });
}

} // namespace zen::ui
