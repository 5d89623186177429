#include "app/gym/commands.h"
#include "app/gym/signal_watch.h"
#include "app/gym/terminal.h"
#include "core/base/byte_text.h"
#include "core/base/duration_text.h"
#include "core/base/machine.h"
#include "core/config/tiers.h"
#include "core/fetch/fetch_model.h"
#include "core/plan/memory_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>

namespace zen::gym {

namespace {

constexpr std::chrono::milliseconds kBetweenLooks{ 100 };
constexpr std::size_t kBarCells = 20;

/// Never more than 1, whatever a server lists and sends.
double shareOf(std::uint64_t bytes, std::uint64_t size)
{
    return size > 0 ? std::min(static_cast<double>(bytes) / static_cast<double>(size), 1.0) : 0.0;
}

std::string bar(const FetchProgress& progress)
{
    const double share = shareOf(progress.bytes, progress.size);
    const auto full = static_cast<std::size_t>(share * kBarCells);
    return fmt::format("[{}{}] {:3.0f} %", std::string(full, '#'),
        std::string(kBarCells - full, '-'), share * 100);
}

std::string liveLine(const FetchProgress& progress)
{
    if (progress.phase == FetchProgress::Phase::listing)
        return progress.note.empty() ? "asking for the list of files …" : progress.note;
    std::string line = fmt::format(
        "{} {} of {}", bar(progress), formatBytes(progress.bytes), formatBytes(progress.size));
    if (!progress.note.empty())
        return line + ", " + progress.note;
    if (progress.phase == FetchProgress::Phase::checking)
        return line + ", checking what is here: " + progress.file;
    if (progress.bytes_per_second > 0)
        line += fmt::format(
            ", {}/s", formatBytes(static_cast<std::uint64_t>(progress.bytes_per_second)));
    if (progress.seconds_left)
        line += ", " + formatDuration(*progress.seconds_left) + " left";
    return line
        + fmt::format(
            ", {} {:.0f} %", progress.file, shareOf(progress.file_bytes, progress.file_size) * 100);
}

/// What the fetching thread says and the terminal shows: a line for each file and each trouble, and
/// in a terminal one that is redrawn.
class FetchView {
public:
    explicit FetchView(bool live)
        : m_live(live)
    {
    }

    void take(const FetchProgress& progress) ///< any thread
    {
        const std::scoped_lock lock(m_mutex);
        if (progress.files_in_all > 0 && (!m_newest || m_newest->files_in_all == 0))
            m_lines.push_back(
                fmt::format("{} files, {}", progress.files_in_all, formatBytes(progress.size)));
        if (progress.files > m_files && progress.phase == FetchProgress::Phase::fetching)
            m_lines.push_back(
                fmt::format("  {}, {}", progress.file, formatBytes(progress.file_size)));
        if (!progress.note.empty() && progress.note != m_note)
            m_lines.push_back("  " + progress.note);
        m_note = progress.note;
        m_files = progress.files;
        m_newest = progress;
    }

    void draw() ///< the terminal's thread
    {
        std::optional<FetchProgress> newest;
        std::vector<std::string> lines;
        {
            const std::scoped_lock lock(m_mutex);
            newest = m_newest;
            lines.swap(m_lines);
        }
        if (!lines.empty())
            clear();
        for (const std::string& line : lines)
            fmt::print("{}\n", printable(line));
        if (m_live && newest) {
            fmt::print("\r{}\x1b[K", excerpt(liveLine(*newest), terminalWidth(stdout) - 1));
            m_drawn = true;
        }
        std::fflush(stdout);
    }

    void finish()
    {
        m_live = false;
        draw();
        clear();
        std::fflush(stdout);
    }

private:
    void clear()
    {
        if (m_drawn)
            fmt::print("\r\x1b[K");
        m_drawn = false;
    }

    bool m_live;
    bool m_drawn = false;
    std::mutex m_mutex; ///< of what follows
    std::optional<FetchProgress> m_newest;
    std::vector<std::string> m_lines;
    std::string m_note;
    std::size_t m_files = 0;
};

/// The nearest published checkpoint, where a tier names one that is not published.
std::string adviceOn(const std::string& id)
{
    if (const auto tiers = loadTiers(resourceFolder() / "tiers.yaml"))
        for (const Tier& tier : *tiers)
            if (tier.model_id == id && !tier.substitute_id.empty())
                return fmt::format("\nNo checkpoint of {} is published under this name; the "
                                   "nearest one is {}: gym fetch {}",
                    tier.title, tier.substitute_id, tier.substitute_id);
    return {};
}

struct Fetched {
    Result<FetchedModel> model = fail("nothing was fetched");
    int signal = 0; ///< that ended it; 0: none
};

/// Fetches on a thread of its own; this thread shows progress and hears signals until it ends.
Fetched fetchWatched(const FetchRequest& request, const HubSettings& settings)
{
    SignalWatch signals;
    FetchView view(isTerminal(stdout));
    Fetched fetched;
    std::atomic<bool> is_done{ false };
    std::jthread worker([&](const std::stop_token& stop) {
        fetched.model = fetchModel(
            request, settings, [&view](const FetchProgress& now) { view.take(now); }, stop);
        is_done.store(true);
    });
    int signal = 0;
    while (!is_done.load()) {
        if (const int number = signals.wait(kBetweenLooks); number != 0 && signal == 0) {
            signal = number;
            worker.request_stop();
        }
        view.draw();
    }
    worker.join();
    view.finish();
    fetched.signal = signal;
    return fetched;
}

} // namespace

int fetch(const FetchArguments& arguments)
{
    const FetchRequest request{ arguments.model, arguments.revision, arguments.include,
        arguments.to };
    if (const std::string wrong = whatIsWrongWith(request); !wrong.empty()) {
        printError(wrong);
        return kBadInput;
    }
    const Result<HubSettings> settings = hubSettings();
    if (!settings) {
        printError(settings.error().message);
        return kBadInput;
    }
    fmt::print("{} ({}) from {} to {}\n", request.id, request.revision, settings->endpoint,
        (request.folder.empty() ? settings->cache : request.folder).string());
    std::fflush(stdout);
    const Fetched fetched = fetchWatched(request, *settings);
    if (!fetched.model) {
        printError(fetched.model.error().message + adviceOn(request.id));
        return kFailed;
    }
    if (fetched.model->stopped) {
        fmt::print(stderr, "Stopped. What came so far is kept; the same command goes on.\n");
        return fetched.signal == 0 ? int{ kFailed } : 128 + fetched.signal;
    }
    const std::string folder = fetched.model->folder.string();
    if (settings->offline)
        fmt::print("HF_HUB_OFFLINE is set: nothing was fetched or checked\n");
    else
        fmt::print("{} fetched and verified; all {} files are here\n",
            formatBytes(fetched.model->fetched_bytes), fetched.model->files);
    fmt::print("The model is in {}\n", folder);
    if (request.patterns.empty())
        fmt::print("Try it: gym chat {}\n",
            request.folder.empty() && request.revision == "main" ? request.id : folder);
    return kDone;
}

} // namespace zen::gym
