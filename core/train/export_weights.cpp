#include "core/train/export_weights.h"

#include "core/base/durable_file.h"
#include "core/base/machine.h"
#include "core/model/unpack_gguf.h"
#include "core/train/export_parts.h"
#include "core/train/model_card.h"

#include <algorithm>
#include <array>

namespace zen {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 3> kTargetNames{ "merged", "gguf", "peft" };

bool isGgufFile(const std::string& source)
{
    std::error_code ignored;
    return source.ends_with(".gguf") && fs::is_regular_file(source, ignored);
}

std::string text(std::string_view name)
{
    return std::string(name);
}

Result<NumberFormat> formatFor(const WeightExportOptions& options, const Qwen3Shape& shape)
{
    const std::string own = shape.dtype == "bfloat16" ? "bf16"
        : shape.dtype == "float16"                    ? "f16"
                                                      : "f32";
    const std::string wanted = options.dtype.empty() ? own : options.dtype;
    const bool is_gguf = options.target == WeightTarget::gguf;
    for (const NumberFormat format :
        { NumberFormat::f32, NumberFormat::f16, NumberFormat::bf16, NumberFormat::q8_0 })
        if (wanted == nameOf(format) && (is_gguf || format != NumberFormat::q8_0))
            return format;
    return fail("--dtype " + wanted + " is not possible for --to "
        + text(kTargetNames[static_cast<std::size_t>(options.target)]) + "; choose "
        + (is_gguf ? "f32, f16, bf16 or q8_0" : "f32, f16 or bf16 (q8_0 is one of --to gguf)"));
}

Result<void> checkRoom(const fs::path& folder, std::uint64_t bytes)
{
    const std::uint64_t free = freeDiskBytes(folder);
    if (free == 0 || free > bytes + (std::uint64_t{ 16 } << 20))
        return {};
    return fail("the export takes " + std::to_string(bytes >> 20) + " MiB, but only "
        + std::to_string(free >> 20) + " MiB are free at " + folder.string()
        + ". Choose another place, or a smaller number type.");
}

ModelCardFacts factsOf(
    const WeightExportOptions& options, const ExportSource& source, NumberFormat format)
{
    ModelCardFacts facts;
    facts.license = licenseOf(source);
    const std::string base = "`" + source.base_model + "`";
    switch (options.target) {
    case WeightTarget::merged:
        facts.library = "transformers";
        facts.contents
            = (source.adapter.empty() ? "The model, based on " : "The adapter folded into ") + base
            + ", in Hugging Face layout (" + text(nameOf(format)) + ").";
        facts.how_to_load
            = "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
              "model = AutoModelForCausalLM.from_pretrained(\".\", torch_dtype=\"auto\")\n"
              "tokenizer = AutoTokenizer.from_pretrained(\".\")\n```\n\n"
              "or `vllm serve .`, or `gym chat .`\n";
        break;
    case WeightTarget::gguf:
        facts.library = "gguf";
        facts.contents = "A GGUF file (" + text(nameOf(format)) + ") based on " + base
            + ", for llama.cpp, LM Studio and Ollama.";
        facts.how_to_load = "```bash\nllama-cli -m " + ggufFileName(source, format)
            + "\nollama create " + source.name + " -f Modelfile && ollama run " + source.name
            + "\ngym chat " + ggufFileName(source, format) + "\n```\n";
        break;
    case WeightTarget::peft:
        facts.library = "peft";
        facts.contents = "A LoRA adapter for " + base + " in the format of the PEFT library.";
        facts.how_to_load
            = "```python\nfrom peft import AutoPeftModelForCausalLM\n\n"
              "model = AutoPeftModelForCausalLM.from_pretrained(\".\")\n```\n\nor `gym chat "
            + source.base_model + " --adapter .`\n";
        break;
    }
    return facts;
}

Result<void> writeCard(const ExportSource& source, ModelCardFacts facts, const fs::path& folder)
{
    if (source.run) {
        const std::string svg = curveSvg(source.run->record.reward_curve, "reward");
        facts.has_curve = !svg.empty();
        if (facts.has_curve)
            if (auto written = writeDurably(folder / "reward.svg", svg); !written)
                return written;
    }
    return writeDurably(folder / "README.md", modelCard(source, facts));
}

/// What was just written; a file that somebody takes away meanwhile has no size.
WeightExport describeFolder(const fs::path& folder)
{
    WeightExport done{ folder, 0, {} };
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        std::error_code unknown;
        const std::uintmax_t bytes = entry.file_size(unknown);
        done.bytes += unknown ? 0 : bytes;
        done.files.push_back(entry.path().filename().string());
    }
    std::sort(done.files.begin(), done.files.end());
    return done;
}

Result<void> unpackInto(const WeightExportOptions& options, const fs::path& output)
{
    if (options.target != WeightTarget::merged || !options.dtype.empty())
        return fail(options.source
            + " is a GGUF file: --to merged unpacks it (without --dtype); export the folder that "
              "it makes for anything else.");
    const auto file = GgufFile::open(options.source);
    if (!file)
        return tl::unexpected(file.error());
    if (auto room = checkRoom(output, unpackedBytes(*file)); !room)
        return room;
    return writeFolderDurably(output,
        [&](const fs::path& staging) { return unpackGguf(*file, staging, progressOf(options)); });
}

Result<void> exportModel(
    const WeightExportOptions& options, ExportSource source, const fs::path& output)
{
    if (options.target == WeightTarget::peft && !options.dtype.empty())
        return fail("--dtype is not for --to peft: the adapter is copied as it is");
    if (options.target == WeightTarget::peft)
        return writeFolderDurably(output, [&](const fs::path& staging) -> Result<void> {
            if (auto written = writePeftAdapter(source, staging); !written)
                return written;
            return writeCard(source, factsOf(options, source, NumberFormat::f32), staging);
        });
    const auto checkpoint = openCheckpoint(source.model_folder);
    if (!checkpoint)
        return tl::unexpected(checkpoint.error());
    const auto shape = readShape(source.model_folder);
    if (!shape)
        return tl::unexpected(shape.error());
    const auto format = formatFor(options, *shape);
    if (!format)
        return tl::unexpected(format.error());
    auto weights = MergedWeights::open(*checkpoint, source.adapter);
    if (!weights)
        return tl::unexpected(weights.error());
    const ExportParts parts{ std::move(source), *shape, std::move(*weights), progressOf(options) };
    const std::uint64_t bytes = *format == NumberFormat::q8_0 ? parts.weights.parameters() * 34 / 32
                                                              : mergedBytes(parts.weights, *format);
    if (auto room = checkRoom(output, bytes); !room)
        return room;
    return writeFolderDurably(output, [&](const fs::path& staging) -> Result<void> {
        const auto written = options.target == WeightTarget::gguf
            ? writeGgufModel(parts, *format, staging)
            : writeMergedModel(parts, *format, options.max_shard_bytes, staging);
        if (!written)
            return written;
        return writeCard(parts.source, factsOf(options, parts.source, *format), staging);
    });
}

} // namespace

WorkProgress progressOf(const WeightExportOptions& options)
{
    return [&options](std::uint64_t done, std::uint64_t total) -> Result<void> {
        if (options.is_cancelled && options.is_cancelled())
            return fail("the export was cancelled; nothing was written");
        if (options.on_progress)
            options.on_progress(
                static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(total, 1)));
        return {};
    };
}

std::optional<WeightTarget> weightTargetNamed(std::string_view name)
{
    const auto found = std::find(kTargetNames.begin(), kTargetNames.end(), name);
    if (found == kTargetNames.end())
        return std::nullopt;
    return static_cast<WeightTarget>(found - kTargetNames.begin());
}

fs::path defaultOutput(const WeightExportOptions& options)
{
    std::string ending = text(kTargetNames[static_cast<std::size_t>(options.target)]);
    if (!options.dtype.empty() && options.target != WeightTarget::peft)
        ending += "-" + options.dtype;
    std::error_code ignored;
    const fs::path source = options.source;
    if (fs::is_directory(source, ignored) && !fs::exists(source / "config.json", ignored))
        return source / "exports" / ending;
    std::string name = source.lexically_normal().filename().string();
    if (name.empty())
        name = source.lexically_normal().parent_path().filename().string();
    if (name.ends_with(".gguf"))
        name.resize(name.size() - 5);
    return fs::path("exports") / (name + "-" + ending);
}

Result<WeightExport> exportWeights(const WeightExportOptions& options)
{
    const fs::path output = options.output.empty() ? defaultOutput(options) : options.output;
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(output, ignored)))
        return fail(output.string() + " exists already. Remove it, or choose another folder.");
    Result<void> written;
    if (isGgufFile(options.source)) {
        written = unpackInto(options, output);
    } else {
        auto source = findExportSource(options.source);
        if (!source)
            return tl::unexpected(source.error());
        written = exportModel(options, std::move(*source), output);
    }
    if (!written)
        return tl::unexpected(written.error());
    return describeFolder(output);
}

} // namespace zen
