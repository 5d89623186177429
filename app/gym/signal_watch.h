#pragma once

#include <chrono>
#include <csignal>

namespace zen::gym {

/// Takes SIGINT, SIGTERM and SIGHUP out of the way of every thread that starts while it lives and
/// hands them to whoever waits here: no handler runs, so nothing has to be async-signal-safe.
/// SIGPIPE is ignored (a reader that went away must not end a run). Create it before other threads
/// exist.
class SignalWatch {
public:
    SignalWatch();
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

    /// The next signal, or 0 if none came in this time.
    int wait(std::chrono::milliseconds time);

private:
    sigset_t m_watched{};
    sigset_t m_before{};
    struct sigaction m_pipe_before { };
};

} // namespace zen::gym
