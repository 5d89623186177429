#include "core/train/control.h"

#include <chrono>

namespace zen {

void RunControl::pause()
{
    m_paused.store(true);
}

void RunControl::resume()
{
    {
        const std::scoped_lock lock(m_mutex);
        m_paused.store(false);
    }
    m_changed.notify_all();
}

void RunControl::waitWhilePaused()
{
    std::unique_lock lock(m_mutex);
    while (m_paused.load() && !stopRequested())
        m_changed.wait_for(lock, std::chrono::milliseconds(50));
}

} // namespace zen
