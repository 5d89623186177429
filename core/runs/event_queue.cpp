#include "core/runs/event_queue.h"

#include <algorithm>
#include <utility>

namespace zen {

namespace {

template <class Kind> bool eraseOldest(std::vector<Event>& events)
{
    const auto oldest = std::find_if(events.begin(), events.end(),
        [](const Event& event) { return std::holds_alternative<Kind>(event); });
    if (oldest == events.end())
        return false;
    events.erase(oldest);
    return true;
}

} // namespace

void EventQueue::publish(const Event& event)
{
    Event copy = event;
    const std::scoped_lock lock(m_mutex);
    m_events.push_back(std::move(copy));
    if (m_events.size() <= m_capacity)
        return;
    if (eraseOldest<PhaseChanged>(m_events) || eraseOldest<CompletionsSampled>(m_events)
        || eraseOldest<LogLine>(m_events))
        ++m_dropped;
}

std::vector<Event> EventQueue::drain()
{
    const std::scoped_lock lock(m_mutex);
    return std::exchange(m_events, {});
}

std::size_t EventQueue::dropped() const
{
    const std::scoped_lock lock(m_mutex);
    return m_dropped;
}

} // namespace zen
