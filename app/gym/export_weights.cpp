#include "app/gym/export_weights.h"

#include "app/gym/signal_watch.h"
#include "app/gym/terminal.h"
#include "core/base/byte_text.h"
#include "core/runs/metric_reports.h"
#include "core/train/export_weights.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

namespace zen::gym {

int exportWeightFiles(const ExportArguments& arguments)
{
    WeightExportOptions options;
    options.source = arguments.source.config;
    options.target = *weightTargetNamed(arguments.to);
    options.dtype = arguments.dtype;
    options.output = arguments.output;
    const auto shard = parseBytes(arguments.max_shard_size);
    if (!shard) {
        printError(fmt::format("--max_shard_size {} is not a size; write 5GB, 500MB or 2GiB",
            arguments.max_shard_size));
        return kBadInput;
    }
    options.max_shard_bytes = *shard;
    SignalWatch signals;
    bool cancelled = false;
    options.is_cancelled = [&] {
        cancelled = cancelled || signals.wait(std::chrono::milliseconds(0)) != 0;
        return cancelled;
    };
    const bool is_live = isTerminal(stderr);
    if (is_live)
        options.on_progress = [](double fraction) {
            fmt::print(stderr, "\rwriting {:.0f} %\x1b[K", fraction * 100);
        };
    const Result<WeightExport> done = exportWeights(options);
    if (is_live)
        fmt::print(stderr, "\r\x1b[K");
    if (!done) {
        printError(done.error().message);
        return cancelled ? kInterrupted : kBadInput;
    }
    fmt::print("{} ({:.1f} MB)\n", done->folder.string(), static_cast<double>(done->bytes) / 1e6);
    for (const std::string& file : done->files)
        fmt::print("  {}\n", printable(file));
    return kDone;
}

int exportMetricFiles(const ExportArguments& arguments)
{
    const auto written = exportMetrics(arguments.source.config, arguments.to, arguments.output);
    if (!written) {
        printError(written.error().message);
        return kBadInput;
    }
    fmt::print("{}\n", written->string());
    return kDone;
}

} // namespace zen::gym
