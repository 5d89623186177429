#include "core/base/log.h"

#include "core/base/utf8.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

namespace zen {

struct ConsoleLog::State {
    spdlog::logger logger;
};

ConsoleLog::ConsoleLog(std::unique_ptr<State> state)
    : m_state(std::move(state))
{
}
ConsoleLog::ConsoleLog(ConsoleLog&&) noexcept = default;
ConsoleLog& ConsoleLog::operator=(ConsoleLog&&) noexcept = default;
ConsoleLog::~ConsoleLog() = default;

Result<ConsoleLog> ConsoleLog::open(const std::filesystem::path& path)
{
    try {
        auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
        auto state = std::make_unique<State>(State{ spdlog::logger("console", std::move(sink)) });
        state->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
            "%Y-%m-%d %H:%M:%S %l %v", spdlog::pattern_time_type::utc));
        state->logger.flush_on(spdlog::level::trace);
        state->logger.set_error_handler(
            [](const std::string&) {}); // a full disk must not stop a run
        return ConsoleLog(std::move(state));
    } catch (const spdlog::spdlog_ex& problem) {
        return fail("cannot open " + path.string() + ": " + problem.what());
    }
}

void ConsoleLog::write(std::string_view level, std::string_view text)
{
    std::string line;
    for (const char c : printable(text)) {
        line += c;
        if (c == '\n')
            line += "    ";
    }
    const auto rank = level == "error" ? spdlog::level::err
        : level == "warning"           ? spdlog::level::warn
                                       : spdlog::level::info;
    m_state->logger.log(rank, spdlog::string_view_t(line.data(), line.size()));
}

std::string printable(std::string_view text)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string shown;
    for (const char c : repairUtf8(text)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
            shown.append("\\x").append({ kDigits[byte >> 4], kDigits[byte & 15] });
        else
            shown += c;
    }
    return shown;
}

} // namespace zen
