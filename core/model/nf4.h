#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>

namespace zen {

// NF4 as in QLoRA (arXiv 2305.14314) and bitsandbytes: 4 bits a weight, one scale for 64 of them.

/// Weights that share a scale, in the order of the matrix's rows.
constexpr std::int64_t kNf4Block = 64;
/// Scales that share a scale of their own, with double quantisation.
constexpr std::int64_t kNf4NestedBlock = 256;

/// What the 16 codes stand for, in units of the block's scale.
extern const std::array<float, 16> kNf4Values;

struct Nf4Options {
    at::ScalarType compute_type = at::kBFloat16; ///< of products: at::kBFloat16 or at::kFloat
    bool double_quantization = false; ///< the scales in 8 bits: 4.127 instead of 4.5 bits a weight
    bool operator==(const Nf4Options&) const = default;
};

/// A matrix [out, in] in NF4. Codes lie two to a byte, the first of a pair in the high half.
struct Nf4Matrix {
    std::int64_t out = 0, in = 0;
    at::ScalarType compute_type = at::kBFloat16;
    at::Tensor codes; ///< uint8, ceil(out * in / 2)
    at::Tensor scales; ///< float32, one a block; uint8 with double quantisation
    at::Tensor nested_scales; ///< float32, one for 256 scales; undefined: none
    at::Tensor nested_values; ///< float32 [256]: what the scales' codes stand for
    float nested_offset = 0;

    std::int64_t size() const { return out * in; }
    std::int64_t blocks() const { return (size() + kNf4Block - 1) / kNf4Block; }
    std::uint64_t bytes() const;
    /// The scales of blocks [first, first + count): where they lie, or written to `buffer`.
    const float* scalesOf(std::int64_t first, std::int64_t count, float* buffer) const;
};

/// Packs a matrix piece by piece, so that its numbers never exist all at once.
class Nf4Packer {
public:
    Nf4Packer(std::int64_t out, std::int64_t in, const Nf4Options& options);
    /// The next `count` numbers in row order; a multiple of kNf4Block but for the last piece.
    void add(const float* values, std::int64_t count);
    std::shared_ptr<const Nf4Matrix> finish();

private:
    Nf4Matrix m_matrix;
    at::Tensor m_scales;
    bool m_double;
    std::int64_t m_added = 0;
};

/// Packs [out, in] of any floating type.
std::shared_ptr<const Nf4Matrix> packNf4(const at::Tensor& weight_OI, const Nf4Options& options);

/// The numbers that the codes stand for, float32 [out, in].
at::Tensor unpackNf4(const Nf4Matrix& matrix);

/// The numbers [first, first + count) in row order.
void unpackNf4(const Nf4Matrix& matrix, std::int64_t first, std::int64_t count, float* to);
/// The same, rounded to bfloat16 (raw bits).
void unpackNf4(const Nf4Matrix& matrix, std::int64_t first, std::int64_t count, std::uint16_t* to);

/// The 256 numbers of bitsandbytes' signed dynamic 8-bit map, ascending; float32 [256].
at::Tensor dynamicMap();

// C rows, O outputs, I inputs. Products turn codes into numbers tile by tile; a whole matrix of
// numbers never exists.

/// y [C, O] = x [C, I] W^T (+ y), in the matrix's compute type.
void multiplyNf4(
    const Nf4Matrix& matrix, const float* x, std::int64_t count, float* y, bool accumulate);
/// dx [C, I] = dy [C, O] W (+ dx), in the matrix's compute type.
void multiplyNf4Back(
    const Nf4Matrix& matrix, const float* dy, std::int64_t count, float* dx, bool accumulate);
/// y [C, O] = x [C, I] W^T for few rows, in float32: reads the codes once.
void multiplyNf4Few(const Nf4Matrix& matrix, const float* x, std::int64_t count, float* y);

} // namespace zen
