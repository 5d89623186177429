#include "core/weights/tensor_file.h"

#include <ATen/ATen.h>

namespace zen {

at::ScalarType scalarTypeOf(TensorType type)
{
    switch (type) {
    case TensorType::f64:
        return at::kDouble;
    case TensorType::f32:
        return at::kFloat;
    case TensorType::f16:
        return at::kHalf;
    case TensorType::bf16:
        return at::kBFloat16;
    case TensorType::i64:
        return at::kLong;
    case TensorType::i32:
        return at::kInt;
    case TensorType::i16:
        return at::kShort;
    case TensorType::i8:
        return at::kChar;
    case TensorType::u8:
        return at::kByte;
    case TensorType::boolean:
        return at::kBool;
    }
    return at::kFloat;
}

namespace {

Result<TensorType> tensorTypeOf(at::ScalarType type)
{
    for (const TensorType candidate : { TensorType::f64, TensorType::f32, TensorType::f16,
             TensorType::bf16, TensorType::i64, TensorType::i32, TensorType::i16, TensorType::i8,
             TensorType::u8, TensorType::boolean }) {
        if (scalarTypeOf(candidate) == type)
            return candidate;
    }
    return fail(
        std::string("tensors of type ") + c10::toString(type) + " cannot be stored as safetensors");
}

} // namespace

Result<at::Tensor> readTensor(const SafetensorsFile& file, const TensorEntry& entry)
{
    at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(scalarTypeOf(entry.type)));
    auto read = file.read(entry, { static_cast<std::byte*>(tensor.data_ptr()), entry.bytes });
    if (!read)
        return tl::unexpected(read.error());
    return tensor;
}

Result<NamedTensors> readTensors(const std::filesystem::path& path)
{
    auto file = SafetensorsFile::open(path);
    if (!file)
        return tl::unexpected(file.error());
    NamedTensors tensors;
    for (const TensorEntry& entry : file->entries()) {
        auto tensor = readTensor(*file, entry);
        if (!tensor)
            return tl::unexpected(tensor.error());
        tensors.emplace(entry.name, std::move(*tensor));
    }
    return tensors;
}

Result<void> writeTensors(const std::filesystem::path& path, const NamedTensors& tensors,
    const std::map<std::string, std::string>& metadata)
{
    std::vector<at::Tensor> kept;
    std::vector<TensorToWrite> to_write;
    for (const auto& [name, tensor] : tensors) {
        const auto type = tensorTypeOf(tensor.scalar_type());
        if (!type)
            return tl::unexpected(type.error());
        kept.push_back(tensor.detach().to(at::kCPU).contiguous());
        to_write.push_back({ name, *type, kept.back().sizes().vec(), kept.back().data_ptr() });
    }
    return writeSafetensors(path, to_write, metadata);
}

} // namespace zen
