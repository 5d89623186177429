#pragma once

#include <cstdint>

namespace zen {

// Matrices are row-major float32. The second factor of a product lies in panels: kPanel columns
// wide, K rows long, the last one padded with zeros, so that the innermost loop reads memory in
// order.

/// A matrix given by its strides, for factors that are read transposed.
struct StridedMatrix {
    const float* data = nullptr;
    std::int64_t row_stride = 0;
    std::int64_t column_stride = 1;
};

/// A matrix cut into panels; `panel_stride` floats from one panel to the next, `row_stride` from
/// one row to the next.
struct PanelMatrix {
    const float* data = nullptr;
    std::int64_t row_stride = 0;
    std::int64_t panel_stride = 0;
};

/// The arithmetic of the model for one instruction set. All functions are serial, deterministic,
/// and independent of how callers split their rows.
struct Kernels {
    const char* name;
    std::int64_t panel; ///< columns in a panel

    /// C [M, N] = A [M, K] B [K, N] (+ C). Every row of C is computed in the same order whatever M
    /// is.
    void (*multiply)(std::int64_t m, std::int64_t n, std::int64_t k, const StridedMatrix& a,
        const PanelMatrix& b, float* c, std::int64_t c_stride, bool accumulate);
    /// Lays B [K, N] out in panels (ceil(N / panel) * panel * K floats).
    void (*pack)(std::int64_t k, std::int64_t n, const StridedMatrix& b, float* panels);

    /// y = x / sqrt(mean(x^2) + eps) * weight for each row of D.
    void (*rmsNorm)(const float* x, const float* weight, float* y, std::int64_t rows,
        std::int64_t d, float eps);
    /// dx += gradient of rmsNorm; weight_gradient (if any) += its weight's.
    void (*rmsNormBackward)(const float* x, const float* weight, const float* dy, float* dx,
        float* weight_gradient, std::int64_t rows, std::int64_t d, float eps);

    /// One head of E numbers: RMS norm, then rotation of the pairs (i, i + E/2), then times
    /// `scale`.
    void (*normRotate)(const float* x, const float* weight, const float* cosine, const float* sine,
        float* y, std::int64_t e, float eps, float scale);
    /// dx = gradient of normRotate; weight_gradient (if any) += its weight's.
    void (*normRotateBackward)(const float* x, const float* weight, const float* cosine,
        const float* sine, const float* dy, float* dx, float* weight_gradient, std::int64_t e,
        float eps, float scale);

    /// y = silu(gate) * up.
    void (*swiglu)(const float* gate, const float* up, float* y, std::int64_t count);
    void (*swigluBackward)(const float* gate, const float* up, const float* dy, float* d_gate,
        float* d_up, std::int64_t count);

    /// x = softmax of the first `count` numbers, 0 for the rest up to `padded`; returns log of the
    /// sum of exponentials.
    float (*softmax)(float* x, std::int64_t count, std::int64_t padded);
    /// x = exp(x - log_sum) for the first `count` numbers, 0 for the rest up to `padded`.
    void (*softmaxFrom)(float* x, float log_sum, std::int64_t count, std::int64_t padded);
    float (*largest)(const float* x, std::int64_t count);
    /// y = exp((x - shift) * scale); returns the sum.
    float (*exponentials)(const float* x, float shift, float scale, float* y, std::int64_t count);

    float (*dot)(const float* a, const float* b, std::int64_t count);
    /// y += a * x
    void (*addScaled)(float a, const float* x, float* y, std::int64_t count);

    /// y [M, N] = x [M, K] W^T for few rows, W [N, K] as stored: reads each weight once.
    void (*multiplyStored)(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
        std::int64_t x_stride, const float* w, float* y, std::int64_t y_stride);
    /// The same with bfloat16 weights (raw bits) and float32 arithmetic.
    void (*multiplyStoredBf16)(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
        std::int64_t x_stride, const std::uint16_t* w, float* y, std::int64_t y_stride);
    /// bfloat16 (raw bits) to float32.
    void (*widen)(const std::uint16_t* x, float* y, std::int64_t count);

    // NF4 (nf4.h): codes two to a byte, a scale for 64 of them, the 16 `values` they stand for.

    /// Codes and scales of `count` numbers, the first of which begins a block.
    void (*packNf4)(const float* x, std::int64_t count, std::uint8_t* codes, float* scales);
    /// y = the numbers of whole blocks.
    void (*unpackNf4)(const std::uint8_t* codes, const float* scales, const float* values,
        std::int64_t count, float* y);
    /// The same, rounded to bfloat16 (raw bits).
    void (*unpackNf4Bf16)(const std::uint8_t* codes, const float* scales, const float* values,
        std::int64_t count, std::uint16_t* y);
    /// x in the order in which multiplyStoredNf4 wants its rows; whole blocks.
    void (*splitPairs)(const float* x, std::int64_t count, float* y);
    /// y [M, N] = x [M, K] W^T for few rows; K in whole blocks, x from splitPairs. Reads each code
    /// once, float32 arithmetic.
    void (*multiplyStoredNf4)(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
        std::int64_t x_stride, const std::uint8_t* codes, const float* scales, const float* values,
        float* y, std::int64_t y_stride);
};

/// The best set that this CPU runs.
const Kernels& kernels();

extern const Kernels kPortableKernels;
#if defined(__x86_64__)
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif

} // namespace zen
