#include "core/model/packed_source.h"

#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>

namespace zen {

namespace {

using StateJson = nlohmann::json;

constexpr const char* kState = ".quant_state.bitsandbytes__nf4";

Result<at::Tensor> readNamed(const CheckpointFolder& checkpoint, const std::string& name,
    std::int64_t count, at::ScalarType type)
{
    const auto shard = checkpoint.shard_of.find(name);
    if (shard == checkpoint.shard_of.end())
        return fail(name + " is missing, which belongs to packed weights");
    const SafetensorsFile& file = checkpoint.shards[shard->second];
    auto tensor = readTensor(file, *file.find(name));
    if (!tensor)
        return tensor;
    if (tensor->scalar_type() != type || (count >= 0 && tensor->numel() != count))
        return fail(name + " holds " + std::to_string(tensor->numel()) + " numbers of type "
            + c10::toString(tensor->scalar_type()) + "; " + std::to_string(count) + " of type "
            + c10::toString(type) + " are expected");
    return tensor->reshape({ -1 });
}

Result<StateJson> readState(const CheckpointFolder& checkpoint, const std::string& name)
{
    const auto bytes = readNamed(checkpoint, name + kState, -1, at::kByte);
    if (!bytes)
        return tl::unexpected(bytes.error());
    const auto* text = bytes->data_ptr<std::uint8_t>();
    StateJson state = StateJson::parse(text, text + bytes->numel(), nullptr, false);
    if (!state.is_object())
        return fail(name + kState + " is not a JSON object");
    return state;
}

/// What the state says, or `otherwise` where it is silent or says something else in kind.
std::int64_t numberIn(const StateJson& state, const char* key, std::int64_t otherwise)
{
    const auto found = state.find(key);
    return found != state.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                              : otherwise;
}

Result<void> checkState(
    const StateJson& state, const std::string& name, std::int64_t out, std::int64_t in)
{
    if (const auto type = state.find("quant_type"); type == state.end() || *type != "nf4")
        return fail(name + " is packed in another way than NF4");
    if (numberIn(state, "blocksize", 0) != kNf4Block)
        return fail(name + " is packed in blocks of "
            + std::to_string(numberIn(state, "blocksize", 0)) + " weights; blocks of 64 are read");
    if (const auto shape = state.find("shape");
        shape == state.end() || *shape != StateJson({ out, in }))
        return fail(name + " was packed from another shape than [" + std::to_string(out) + ", "
            + std::to_string(in) + "], which config.json says");
    return {};
}

Result<void> readNested(const CheckpointFolder& checkpoint, const std::string& name,
    const StateJson& state, Nf4Matrix& matrix)
{
    if (numberIn(state, "nested_blocksize", 0) != kNf4NestedBlock)
        return fail(name + ": its scales are packed in blocks of another size than 256");
    const auto offset = state.find("nested_offset");
    if (offset == state.end() || !offset->is_number())
        return fail(name + ": its state has no nested_offset");
    matrix.nested_offset = offset->get<float>();
    const std::int64_t blocks = (matrix.blocks() + kNf4NestedBlock - 1) / kNf4NestedBlock;
    auto scales = readNamed(checkpoint, name + ".nested_absmax", blocks, at::kFloat);
    auto values = readNamed(checkpoint, name + ".nested_quant_map", 256, at::kFloat);
    for (const auto* read : { &scales, &values }) {
        if (!*read)
            return tl::unexpected(read->error());
    }
    matrix.nested_scales = std::move(*scales);
    matrix.nested_values = std::move(*values);
    return {};
}

} // namespace

bool isPacked(const CheckpointFolder& checkpoint, const std::string& name)
{
    return checkpoint.shard_of.contains(name + kState);
}

std::vector<std::string> namesBeside(const CheckpointFolder& checkpoint, const std::string& name)
{
    std::vector<std::string> names;
    for (const char* part :
        { ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", kState }) {
        if (checkpoint.shard_of.contains(name + part))
            names.push_back(name + part);
    }
    return names;
}

Result<std::shared_ptr<const Nf4Matrix>> readPacked(const CheckpointFolder& checkpoint,
    const std::string& name, std::int64_t out, std::int64_t in, at::ScalarType compute_type)
{
    const auto state = readState(checkpoint, name);
    if (!state)
        return tl::unexpected(state.error());
    if (auto checked = checkState(*state, name, out, in); !checked)
        return tl::unexpected(checked.error());
    Nf4Matrix matrix;
    matrix.out = out;
    matrix.in = in;
    matrix.compute_type = compute_type;
    auto codes = readNamed(checkpoint, name, (out * in + 1) / 2, at::kByte);
    if (!codes)
        return tl::unexpected(codes.error());
    matrix.codes = std::move(*codes);
    const auto map = readNamed(checkpoint, name + ".quant_map", 16, at::kFloat);
    if (!map)
        return tl::unexpected(map.error());
    for (std::size_t i = 0; i < kNf4Values.size(); ++i) {
        if (map->data_ptr<float>()[i] != kNf4Values[i])
            return fail(name + ".quant_map holds other values than NF4's");
    }
    const bool nested = checkpoint.shard_of.contains(name + ".nested_absmax");
    auto scales
        = readNamed(checkpoint, name + ".absmax", matrix.blocks(), nested ? at::kByte : at::kFloat);
    if (!scales)
        return tl::unexpected(scales.error());
    matrix.scales = std::move(*scales);
    if (nested) {
        if (auto read = readNested(checkpoint, name, *state, matrix); !read)
            return tl::unexpected(read.error());
    }
    return std::make_shared<const Nf4Matrix>(std::move(matrix));
}

} // namespace zen
