#include "core/train/load_bench.h"

#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/train/policy.h"
#include "core/train/stopwatch.h"
#include "core/train/threads.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace zen {

namespace {

constexpr std::uint64_t kShardBytes = 2'000'000'000;

Result<void> writeRandomModel(const std::filesystem::path& folder, const Qwen3Shape& shape)
{
    LoadOptions format;
    format.weight_type = at::kBFloat16;
    const Qwen3 model = Qwen3::random(shape, 1, format);
    return writeFolderDurably(folder, [&](const std::filesystem::path& temporary) {
        return model.save(temporary, at::kBFloat16, kShardBytes);
    });
}

} // namespace

Result<LoadBench> benchLoad(const LoadBenchOptions& options)
{
    const auto begin = [&](const char* phase) {
        if (options.on_phase)
            options.on_phase(phase);
    };
    const TrainingConfig config = resolve(options.config);
    useThreads(config.memory.num_threads);
    if (options.shape && !std::filesystem::exists(options.folder)) {
        begin("writing random weights");
        if (auto written = writeRandomModel(options.folder, *options.shape); !written)
            return tl::unexpected(written.error());
        returnFreedMemory();
    }
    const auto checkpoint = openCheckpoint(options.folder);
    if (!checkpoint)
        return tl::unexpected(checkpoint.error());
    const auto shape = readShape(options.folder);
    if (!shape)
        return tl::unexpected(shape.error());
    const auto format = weightFormatOf(config, *shape);
    if (!format)
        return tl::unexpected(format.error());

    LoadBench result;
    for (const SafetensorsFile& shard : checkpoint->shards)
        result.file_bytes += std::filesystem::file_size(shard.path());
    begin("loading");
    resetPeakResidentBytes();
    const std::uint64_t before = residentBytes();
    const Stopwatch watch;
    const auto model = Qwen3::load(*checkpoint, *format);
    if (!model)
        return tl::unexpected(model.error());
    result.seconds = watch.seconds();
    result.peak_bytes = peakResidentBytes() - std::min(peakResidentBytes(), before);
    result.weight_bytes = model->weightBytes();
    return result;
}

} // namespace zen
