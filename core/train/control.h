#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace zen {

/// What the window, a signal handler or a test asks of a running trainer. Setters: any thread
/// (requestStop and abort are async-signal-safe). The trainer looks between micro-steps.
class RunControl {
public:
    void pause();
    void resume();
    void requestStop() noexcept
    {
        m_stop.store(true);
    } ///< finish the step, save, end with status "stopped"
    void abort() noexcept { m_abort.store(true); } ///< end as soon as possible, without saving
    void saveNow() noexcept { m_save.store(true); } ///< checkpoint after this step
    void sampleNow() noexcept
    {
        m_sample.store(true);
    } ///< publish completions of this step in full

    bool stopRequested() const noexcept { return m_stop.load() || m_abort.load(); }
    bool abortRequested() const noexcept { return m_abort.load(); }
    bool pauseRequested() const noexcept { return m_paused.load(); }
    bool takeSaveRequest() noexcept { return m_save.exchange(false); }
    bool takeSampleRequest() noexcept { return m_sample.exchange(false); }

    /// Trainer only: blocks while paused; returns at resume or stop (polls at 50 ms for signal-set
    /// flags).
    void waitWhilePaused();

private:
    std::atomic<bool> m_paused{ false }, m_stop{ false }, m_abort{ false }, m_save{ false },
        m_sample{ false };
    std::mutex m_mutex;
    std::condition_variable m_changed;
};

} // namespace zen
