#pragma once

#include "core/base/log.h"
#include "core/runs/events.h"

#include <string>

namespace zen {

/// One readable line about an event, as console.log and a piped terminal show it ("step 12/200
/// reward 0.51  loss …"); empty for events that need none (completions, the growing fraction of a
/// phase).
std::string describe(const Event& event);

/// info, warning or error.
std::string_view levelOf(const Event& event);

/// Writes the readable lines of a run to its console.log.
class ConsoleLogSink final : public EventSink {
public:
    explicit ConsoleLogSink(ConsoleLog log)
        : m_log(std::move(log))
    {
    }
    void publish(const Event& event) override;

private:
    ConsoleLog m_log;
};

} // namespace zen
