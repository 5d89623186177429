#include "app/gym/signal_watch.h"

#include <algorithm>

namespace zen::gym {

SignalWatch::SignalWatch()
{
    sigemptyset(&m_watched);
    for (const int number : { SIGINT, SIGTERM, SIGHUP })
        sigaddset(&m_watched, number);
    pthread_sigmask(SIG_BLOCK, &m_watched, &m_before);
    struct sigaction ignore { };
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &m_pipe_before);
}

SignalWatch::~SignalWatch()
{
    while (wait(std::chrono::milliseconds(0)) != 0) { } // late ones must not end us now
    sigaction(SIGPIPE, &m_pipe_before, nullptr);
    pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
}

int SignalWatch::wait(std::chrono::milliseconds time)
{
    timespec limit{};
    limit.tv_sec = time.count() / 1000;
    limit.tv_nsec = time.count() % 1000 * 1'000'000;
    return std::max(0, sigtimedwait(&m_watched, nullptr, &limit));
}

} // namespace zen::gym
