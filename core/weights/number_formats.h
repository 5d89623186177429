#pragma once

#include "core/weights/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace zen {

/// How a weight's numbers are stored in a GGUF file. q8_0: blocks of 32 numbers, one float16 scale
/// and 32 signed bytes.
enum class NumberFormat { f32, f16, bf16, q8_0 };

std::string_view nameOf(NumberFormat format); ///< "f32" …

/// Numbers that are stored together: 32 for q8_0, else 1. A row must be a multiple of it.
std::uint64_t blockSize(NumberFormat format);

/// Bytes that `count` numbers take; `count` is a multiple of blockSize().
std::uint64_t bytesFor(NumberFormat format, std::uint64_t count);

/// IEEE binary16 and bfloat16, to nearest with ties to even; NaN stays NaN, what is too large
/// becomes infinite.
std::uint16_t toFloat16(float value);
std::uint16_t toBfloat16(float value);
float fromFloat16(std::uint16_t bits);
float fromBfloat16(std::uint16_t bits);

/// The first number whose magnitude the format cannot hold (float16 and the scales of q8_0 end at
/// 65504), or that is not one; nullptr if all can be stored.
const float* firstUnfit(NumberFormat format, std::span<const float> values);

/// Writes bytesFor(format, values.size()) bytes.
void encodeNumbers(NumberFormat format, std::span<const float> values, std::byte* to);

/// Reads values.size() numbers.
void decodeNumbers(NumberFormat format, const std::byte* from, std::span<float> values);

/// The same for a safetensors type: f64, f32, f16 or bf16. False for others; nothing is read then.
bool decodeNumbers(TensorType type, const std::byte* from, std::span<float> values);

} // namespace zen
