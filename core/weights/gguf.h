#pragma once

#include "core/weights/number_formats.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace zen {

// GGUF version 3 (github.com/ggml-org/ggml, docs/gguf.md): "GGUF", version, counts, metadata,
// tensor infos, padding to the alignment, tensor data. All numbers little-endian.

constexpr std::uint32_t kGgufVersion = 3;
constexpr std::uint32_t kGgufAlignment = 32; ///< what we write, and the default when reading

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
