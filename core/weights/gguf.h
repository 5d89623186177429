#pragma once

#include "core/weights/number_formats.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace zen {

// GGUF version 3 (github.com/ggml-org/ggml, docs/gguf.md): "GGUF", version, counts, metadata,
// tensor infos, padding to the alignment, tensor data. All numbers little-endian.

constexpr std::uint32_t kGgufVersion = 3;
constexpr std::uint32_t kGgufAlignment = 32; ///< what we write, and the default when reading

/// The numbers that stand for a format in a file.
struct GgmlNumbers {
    NumberFormat format;
    std::uint32_t tensor_type; ///< ggml's, of one tensor
    std::uint32_t file_type; ///< llama.cpp's, of a file that is mostly in it
};

inline constexpr std::array<GgmlNumbers, 4> kGgmlNumbers = { { { NumberFormat::f32, 0, 0 },
    { NumberFormat::f16, 1, 1 }, { NumberFormat::bf16, 30, 32 }, { NumberFormat::q8_0, 8, 7 } } };

/// The row of a format.
constexpr const GgmlNumbers& ggmlNumbersOf(NumberFormat format)
{
    std::size_t row = 0;
    while (kGgmlNumbers[row].format != format)
        ++row;
    return kGgmlNumbers[row];
}

/// The format with this number as a tensor's type; empty for those that are not read.
constexpr std::optional<NumberFormat> formatOfTensorType(std::uint32_t type)
{
    for (const GgmlNumbers& row : kGgmlNumbers)
        if (row.tensor_type == type)
            return row.format;
    return std::nullopt;
}

/// A list in the metadata; lists of lists are not used by any model and refused.
using GgufArray = std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>,
    std::vector<std::uint16_t>, std::vector<std::int16_t>, std::vector<std::uint32_t>,
    std::vector<std::int32_t>, std::vector<float>, std::vector<bool>, std::vector<std::string>,
    std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;

/// A value in the metadata. The index of an alternative is the format's type number.
using GgufValue
    = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t,
        std::int32_t, float, bool, std::string, GgufArray, std::uint64_t, std::int64_t, double>;

/// Key and value in the order of the file.
using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

struct GgufTensor {
    std::string name;
    std::vector<std::uint64_t> dimensions; ///< innermost first: [in, out] of a weight matrix
    NumberFormat format = NumberFormat::f32;
    std::uint64_t begin = 0; ///< byte offset in the file; set by the reader

    std::uint64_t count() const ///< numbers in it
    {
        std::uint64_t numbers = 1;
        for (const std::uint64_t dimension : dimensions)
            numbers *= dimension;
        return numbers;
    }
};

} // namespace zen
