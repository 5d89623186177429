#include "core/weights/number_formats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace zen {

namespace {

constexpr std::size_t kBlock = 32; ///< numbers in a block of q8_0
constexpr std::size_t kBlockBytes = 2 + kBlock;
constexpr float kLargestFloat16 = 65504.0F;

template <class T> T loadAs(const std::byte* from, std::size_t index)
{
    T value;
    std::memcpy(&value, from + index * sizeof(T), sizeof(T));
    return value;
}

template <class T> void storeAs(T value, std::byte* to, std::size_t index)
{
    std::memcpy(to + index * sizeof(T), &value, sizeof(T));
}

/// d = largest magnitude / 127; the numbers are rounded multiples of it (ggml's block_q8_0).
void encodeBlock(const float* values, std::byte* to)
{
    float largest = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
        largest = std::max(largest, std::abs(values[i]));
    const float step = largest / 127.0F;
    const float per_step = step >= 0x1p-126F ? 1.0F / step : 0.0F; // of less it could be infinite
    storeAs(toFloat16(step), to, 0);
    for (std::size_t i = 0; i < kBlock; ++i)
        storeAs(static_cast<std::int8_t>(std::round(values[i] * per_step)), to + 2, i);
}

void decodeBlock(const std::byte* from, float* values)
{
    const float step = fromFloat16(loadAs<std::uint16_t>(from, 0));
    for (std::size_t i = 0; i < kBlock; ++i)
        values[i] = step * static_cast<float>(loadAs<std::int8_t>(from + 2, i));
}

} // namespace

std::string_view nameOf(NumberFormat format)
{
    constexpr std::string_view kNames[] = { "f32", "f16", "bf16", "q8_0" };
    return kNames[static_cast<std::size_t>(format)];
}

std::uint64_t blockSize(NumberFormat format)
{
    return format == NumberFormat::q8_0 ? kBlock : 1;
}

std::uint64_t bytesFor(NumberFormat format, std::uint64_t count)
{
    switch (format) {
    case NumberFormat::f32:
        return count * 4;
    case NumberFormat::f16:
    case NumberFormat::bf16:
        return count * 2;
    case NumberFormat::q8_0:
        break;
    }
    return count / kBlock * kBlockBytes;
}

const float* firstUnfit(NumberFormat format, std::span<const float> values)
{
    const float limit = format == NumberFormat::f16 ? kLargestFloat16
        : format == NumberFormat::q8_0              ? kLargestFloat16 * 127.0F
                                                    : std::numeric_limits<float>::max();
    const auto unfit = std::find_if(
        values.begin(), values.end(), [limit](float x) { return !(std::abs(x) <= limit); });
    return unfit == values.end() ? nullptr : &*unfit;
}

std::uint16_t toBfloat16(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value))
        return static_cast<std::uint16_t>(bits >> 16 | 0x40);
    return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float fromBfloat16(std::uint16_t bits)
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t toFloat16(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
    const std::uint32_t magnitude = bits & 0x7fff'ffff;
    if (magnitude > 0x7f80'0000) // NaN
        return static_cast<std::uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x4780'0000) // 65536 and above
        return sign | 0x7c00;
    if (magnitude >= 0x3880'0000) { // a normal number; a carry may reach infinity, which is right
        const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
        return static_cast<std::uint16_t>(sign | ((rounded - (112U << 23)) >> 13));
    }
    // Below 2^-14: adding a number with the right last place lets the processor round.
    const float shifted = std::bit_cast<float>(magnitude) + std::bit_cast<float>(126U << 23);
    return static_cast<std::uint16_t>(
        sign | (std::bit_cast<std::uint32_t>(shifted) - (126U << 23)));
}

float fromFloat16(std::uint16_t bits)
{
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
    const std::uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    if (exponent == 0) {
        const float value = static_cast<float>(fraction) * 0x1p-24F;
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
    }
    const std::uint32_t wide = exponent == 0x1f ? 0xff : exponent + 112;
    return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

void encodeNumbers(NumberFormat format, std::span<const float> values, std::byte* to)
{
    switch (format) {
    case NumberFormat::f32:
        std::memcpy(to, values.data(), values.size_bytes());
        return;
    case NumberFormat::f16:
        for (std::size_t i = 0; i < values.size(); ++i)
            storeAs(toFloat16(values[i]), to, i);
        return;
    case NumberFormat::bf16:
        for (std::size_t i = 0; i < values.size(); ++i)
            storeAs(toBfloat16(values[i]), to, i);
        return;
    case NumberFormat::q8_0:
        for (std::size_t block = 0; block < values.size() / kBlock; ++block)
            encodeBlock(values.data() + block * kBlock, to + block * kBlockBytes);
        return;
    }
}

void decodeNumbers(NumberFormat format, const std::byte* from, std::span<float> values)
{
    switch (format) {
    case NumberFormat::f32:
        std::memcpy(values.data(), from, values.size_bytes());
        return;
    case NumberFormat::f16:
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = fromFloat16(loadAs<std::uint16_t>(from, i));
        return;
    case NumberFormat::bf16:
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = fromBfloat16(loadAs<std::uint16_t>(from, i));
        return;
    case NumberFormat::q8_0:
        for (std::size_t block = 0; block < values.size() / kBlock; ++block)
            decodeBlock(from + block * kBlockBytes, values.data() + block * kBlock);
        return;
    }
}

bool decodeNumbers(TensorType type, const std::byte* from, std::span<float> values)
{
    switch (type) {
    case TensorType::f64:
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<float>(loadAs<double>(from, i));
        return true;
    case TensorType::f32:
        decodeNumbers(NumberFormat::f32, from, values);
        return true;
    case TensorType::f16:
        decodeNumbers(NumberFormat::f16, from, values);
        return true;
    case TensorType::bf16:
        decodeNumbers(NumberFormat::bf16, from, values);
        return true;
    default:
        return false;
    }
}

} // namespace zen
