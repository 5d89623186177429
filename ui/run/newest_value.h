#pragma once

#include <QObject>

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace zen::ui {

/// Brings the newest of many values from a worker thread to the thread of an object: one queued
/// call at a time, however fast they come. A member of the receiver, before the worker's thread.
template <class T> class NewestValue {
public:
    /// `take(value)` is called on the receiver's thread.
    NewestValue(QObject& receiver, std::function<void(T)> take)
        : m_receiver(receiver)
        , m_take(std::move(take))
    {
    }

    /// From any thread: what was published before and not taken yet is forgotten.
    void publish(T value)
    {
        const bool is_queued = exchange(std::move(value)).has_value();
        if (!is_queued)
            QMetaObject::invokeMethod(
                &m_receiver, [this] { takeNow(); }, Qt::QueuedConnection);
    }

    /// On the receiver's thread: what waits is taken at once.
    void takeNow()
    {
        if (auto value = exchange(std::nullopt))
            m_take(std::move(*value));
    }

    void forget() { exchange(std::nullopt); }

private:
    std::optional<T> exchange(std::optional<T> value)
    {
        const std::scoped_lock lock(m_mutex);
        return std::exchange(m_newest, std::move(value));
    }

    QObject& m_receiver;
    std::function<void(T)> m_take;
    std::mutex m_mutex;
    std::optional<T> m_newest; ///< under the mutex
};

} // namespace zen::ui
