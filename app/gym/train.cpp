#include "app/gym/commands.h"
#include "app/gym/console_sink.h"
#include "app/gym/load_config.h"
#include "app/gym/signal_watch.h"
#include "app/gym/start_engine.h"
#include "app/gym/terminal.h"
#include "core/runs/event_queue.h"
#include "core/train/check_start.h"
#include "core/train/engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <variant>

namespace zen::gym {

namespace {

constexpr std::chrono::milliseconds kPoll{ 50 };

/// Signals of one run: the first asks the trainer to finish the step and save, the second to end at
/// once, the third ends the process.
class StopRequests {
public:
    StopRequests(RunControl& control, bool has_terminal)
        : m_control(control)
        , m_has_terminal(has_terminal)
    {
    }

    /// What to tell the person; empty if nothing.
    std::string take(int signal_number)
    {
        if (signal_number == SIGHUP && !m_has_terminal)
            return {}; // whoever watched is gone; the run goes on
        m_signal = signal_number;
        ++m_count;
        if (m_count == 1) {
            m_control.requestStop();
            return "Stopping after this step (again: at once, without saving) …";
        }
        if (m_count == 2) {
            m_control.abort();
            return "Ending now …";
        }
        _exit(exitCode());
    }

    bool any() const { return m_count > 0; }
    bool isAbort() const { return m_count > 1; }
    int exitCode() const
    {
        if (m_signal == SIGTERM)
            return kTerminated;
        return m_signal == SIGHUP ? kHungUp : kInterrupted;
    }

private:
    RunControl& m_control;
    bool m_has_terminal;
    int m_signal = 0;
    int m_count = 0;
};

void writeOut(std::string_view text)
{
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

double monotonicSeconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

bool localeIsUtf8()
{
    for (const char* name : { "LC_ALL", "LC_CTYPE", "LANG" }) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0')
            continue;
        const std::string_view text(value);
        return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos;
    }
    return false;
}

ConsoleOptions consoleOptions(const LoadedConfig& loaded)
{
    ConsoleOptions options;
    options.live = isTerminal(stdout);
    options.unicode = localeIsUtf8();
    options.width = terminalWidth(stdout);
    options.logging_steps = loaded.config.run.logging_steps;
    options.run_folder = loaded.config.run.output_dir;
    options.model = loaded.config.model.model_name_or_path;
    options.config = loaded.file;
    return options;
}

/// The exit code that the run's last event stands for; -1 for any other event.
int codeOf(const Event& event, const StopRequests& stop)
{
    if (const auto* finished = std::get_if<RunFinished>(&event))
        return finished->status != "completed" && stop.any() ? stop.exitCode() : int{ kDone };
    if (std::holds_alternative<RunFailed>(event))
        return stop.isAbort() ? stop.exitCode() : int{ kFailed };
    return -1;
}

/// Runs the job on a thread of its own; this thread shows events and hears signals until it ends.
int runJob(TrainingJob& job, SignalWatch& signals, ConsoleSink& console, EventSink& output)
{
    RunControl control;
    EventQueue queue;
    StopRequests stop(control, isTerminal(stdout));
    std::atomic<bool> is_done{ false };
    int code = kFailed;
    const auto showEvents = [&] {
        for (const Event& event : queue.drain()) {
            output.publish(event);
            if (const int last = codeOf(event, stop); last >= 0)
                code = last;
        }
    };
    const std::jthread worker([&] {
        job.run(control, queue);
        is_done.store(true);
    });
    while (!is_done.load()) {
        if (const int number = signals.wait(kPoll); number != 0)
            if (const std::string answer = stop.take(number); !answer.empty())
                fmt::print(stderr, "\n{}\n", answer);
        showEvents();
        console.tick();
    }
    showEvents();
    return code;
}

} // namespace

int train(const TrainArguments& arguments)
{
    const std::optional<LoadedConfig> loaded = loadUsableConfig(arguments.source);
    if (!loaded)
        return kBadInput;
    explainDevices(loaded->config);
    const Diagnostics findings = checkStart(loaded->config);
    printFindings(findings, loaded->file, Advice::hide);
    if (hasErrors(findings))
        return kBadInput;

    SignalWatch signals;
    Engine* engine = startEngine();
    if (!engine)
        return kFailed;
    TrainerOptions options;
    options.config = loaded->config;
    options.config_yaml = loaded->document.text();
    options.shuffle_rewards = arguments.shuffle_rewards;
    const Result<std::unique_ptr<TrainingJob>> job = engine->createTrainer(options);
    if (!job) {
        printError(job.error().message);
        return kBadInput;
    }
    ConsoleSink console(consoleOptions(*loaded), writeOut, monotonicSeconds);
    JsonSink json(writeOut);
    return arguments.json ? runJob(**job, signals, console, json)
                          : runJob(**job, signals, console, console);
}

} // namespace zen::gym
