#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <memory>
#include <string_view>

namespace zen {

/// A text log: one line with UTC time and level for each write, flushed at once. Thread-safe; never
/// throws.
class ConsoleLog {
public:
    /// Appends to `path`, creating it. Errors: the file cannot be opened.
    static Result<ConsoleLog> open(const std::filesystem::path& path);
    ConsoleLog(ConsoleLog&&) noexcept;
    ConsoleLog& operator=(ConsoleLog&&) noexcept;
    ~ConsoleLog();

    /// `level` is info, warning or error (others count as info). Line breaks in `text` are
    /// indented; control characters are written as \xNN, ill-formed UTF-8 as U+FFFD, so that a log
    /// shown in a terminal cannot steer it.
    void write(std::string_view level, std::string_view text);

private:
    struct State;
    explicit ConsoleLog(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

/// `text` with control characters other than tab and newline written as \xNN and ill-formed UTF-8
/// repaired.
std::string printable(std::string_view text);

} // namespace zen
