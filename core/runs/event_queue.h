#pragma once

#include "core/runs/events.h"

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace zen {

/// A bounded queue from the trainer's thread to the window. publish() never waits: when full, the
/// oldest droppable event (phase, completions, then log) goes; steps, evaluations, checkpoints,
/// start and end never do (they are small and few).
class EventQueue final : public EventSink {
public:
    explicit EventQueue(std::size_t capacity = 4096)
        : m_capacity(capacity)
    {
    }

    void publish(const Event& event) override; ///< any thread

    /// Takes everything that is there, oldest first. Any thread.
    std::vector<Event> drain();

    std::size_t dropped() const;

private:
    mutable std::mutex m_mutex;
    std::vector<Event> m_events;
    std::size_t m_capacity;
    std::size_t m_dropped = 0;
};

/// Hands each event to several sinks, in order.
class EventFanOut final : public EventSink {
public:
    explicit EventFanOut(std::vector<EventSink*> sinks)
        : m_sinks(std::move(sinks))
    {
    }
    void publish(const Event& event) override
    {
        for (EventSink* sink : m_sinks)
            sink->publish(event);
    }

private:
    std::vector<EventSink*> m_sinks;
};

} // namespace zen
