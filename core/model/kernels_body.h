// The kernels, written once over vectors of kWidth floats and compiled for each instruction set.
// The including source defines ZEN_KERNEL_WIDTH, ZEN_KERNEL_ROWS and ZEN_KERNEL_TABLE. Only plain
// functions of this file may be used here: an inline function shared with other sources could be
// kept in the wrong instruction set.

#include "core/model/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

namespace zen {

namespace {

constexpr std::int64_t kWidth = ZEN_KERNEL_WIDTH; // floats in a vector
constexpr std::int64_t kRows = ZEN_KERNEL_ROWS; // rows of C held in registers
constexpr std::int64_t kColumns = 2 * kWidth; // columns of C held in registers: a panel
constexpr std::int64_t kDepth = 512; // rows of B used for one visit of C

typedef float Floats __attribute__((vector_size(4 * ZEN_KERNEL_WIDTH)));
typedef std::int32_t Ints __attribute__((vector_size(4 * ZEN_KERNEL_WIDTH)));
typedef std::uint16_t Halves __attribute__((vector_size(2 * ZEN_KERNEL_WIDTH)));
typedef std::uint32_t Words __attribute__((vector_size(4 * ZEN_KERNEL_WIDTH)));

inline Floats load(const float* from)
{
    Floats value;
    memcpy(&value, from, sizeof(value));
    return value;
}

inline void store(float* to, Floats value)
{
    memcpy(to, &value, sizeof(value));
}

inline Floats loadFirst(const float* from, std::int64_t count)
{
    Floats value = {};
    memcpy(&value, from, static_cast<std::size_t>(count) * sizeof(float));
    return value;
}

inline void storeFirst(float* to, Floats value, std::int64_t count)
{
    memcpy(to, &value, static_cast<std::size_t>(count) * sizeof(float));
}

inline Floats broadcast(float value)
{
    return value - Floats{};
}

/// Sum in a fixed tree order.
inline float sumOf(Floats value)
{
    float lanes[kWidth];
    memcpy(lanes, &value, sizeof(value));
    for (std::int64_t half = kWidth / 2; half > 0; half /= 2) {
        for (std::int64_t i = 0; i < half; ++i)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

inline float largestOf(Floats value)
{
    float lanes[kWidth];
    memcpy(lanes, &value, sizeof(value));
    float largest = lanes[0];
    for (std::int64_t i = 1; i < kWidth; ++i)
        largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}

inline Floats larger(Floats a, Floats b)
{
    return a > b ? a : b;
}

/// e^x to about one unit in the last place; arguments below -87.3 give about 1e-38.
inline Floats exponential(Floats x)
{
    const Floats low = broadcast(-87.33654f), high = broadcast(88.3762626f);
    x = x < low ? low : x;
    x = x > high ? high : x;
    const Floats magic = broadcast(12582912.0f); // 1.5 * 2^23: adding it rounds to an integer
    const Floats shifted = x * 1.44269504088896341f + magic;
    const Floats n = shifted - magic;
    Floats r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    Floats p = broadcast(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    Ints exponent;
    memcpy(&exponent, &shifted, sizeof(exponent));
    Ints bits;
    memcpy(&bits, &p, sizeof(bits));
    bits = bits + (exponent << 23); // the low bits of the shifted number are n
    Floats result;
    memcpy(&result, &bits, sizeof(result));
    return result;
}

/// R rows by V vectors of C, over `depth` rows of B. `columns` are stored in all.
template <std::int64_t R, std::int64_t V>
inline void tile(std::int64_t depth, const StridedMatrix& a, const float* b, std::int64_t b_stride,
    float* c, std::int64_t c_stride, bool accumulate, std::int64_t columns)
{
    Floats sum[R][V];
    for (std::int64_t r = 0; r < R; ++r) {
        for (std::int64_t v = 0; v < V; ++v)
            sum[r][v] = Floats{};
    }
    for (std::int64_t k = 0; k < depth; ++k) {
        Floats right[V];
        for (std::int64_t v = 0; v < V; ++v)
            right[v] = load(b + k * b_stride + v * kWidth);
        const float* left = a.data + k * a.column_stride;
        for (std::int64_t r = 0; r < R; ++r) {
            const float factor = left[r * a.row_stride];
            for (std::int64_t v = 0; v < V; ++v)
                sum[r][v] += factor * right[v];
        }
    }
    for (std::int64_t r = 0; r < R; ++r) {
        for (std::int64_t v = 0; v < V; ++v) {
            const std::int64_t rest = columns - v * kWidth;
            float* to = c + r * c_stride + v * kWidth;
            if (rest >= kWidth)
                store(to, accumulate ? load(to) + sum[r][v] : sum[r][v]);
            else if (rest > 0)
                storeFirst(to, accumulate ? loadFirst(to, rest) + sum[r][v] : sum[r][v], rest);
        }
    }
}

template <std::int64_t V>
void tileOf(std::int64_t rows, std::int64_t depth, const StridedMatrix& a, const float* b,
    std::int64_t b_stride, float* c, std::int64_t c_stride, bool accumulate, std::int64_t columns)
{
    switch (rows) {
    case 1:
        return tile<1, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
    case 2:
        return tile<2, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
    case 3:
        return tile<3, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
    case 4:
        return tile<4, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
#if ZEN_KERNEL_ROWS > 4
    case 5:
        return tile<5, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
    case 6:
        return tile<6, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
#endif
#if ZEN_KERNEL_ROWS > 6
    case 7:
        return tile<7, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
    case 8:
        return tile<8, V>(depth, a, b, b_stride, c, c_stride, accumulate, columns);
#endif
    default:
        return;
    }
}

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const StridedMatrix& a,
    const PanelMatrix& b, float* c, std::int64_t c_stride, bool accumulate)
{
    for (std::int64_t k0 = 0; k0 < k; k0 += kDepth) {
        const std::int64_t depth = k - k0 < kDepth ? k - k0 : kDepth;
        for (std::int64_t n0 = 0; n0 < n; n0 += kColumns) {
            const float* panel = b.data + n0 / kColumns * b.panel_stride + k0 * b.row_stride;
            const std::int64_t columns = n - n0;
            for (std::int64_t m0 = 0; m0 < m; m0 += kRows) {
                const std::int64_t rows = m - m0 < kRows ? m - m0 : kRows;
                const StridedMatrix left = { a.data + m0 * a.row_stride + k0 * a.column_stride,
                    a.row_stride, a.column_stride };
                float* to = c + m0 * c_stride + n0;
                if (columns > kWidth)
                    tileOf<2>(rows, depth, left, panel, b.row_stride, to, c_stride,
                        accumulate || k0 > 0, columns);
                else
                    tileOf<1>(rows, depth, left, panel, b.row_stride, to, c_stride,
                        accumulate || k0 > 0, columns);
            }
        }
    }
}

void pack(std::int64_t k, std::int64_t n, const StridedMatrix& b, float* panels)
{
    for (std::int64_t n0 = 0; n0 < n; n0 += kColumns) {
        const std::int64_t columns = n - n0 < kColumns ? n - n0 : kColumns;
        float* panel = panels + n0 * k;
        if (columns < kColumns)
            memset(panel, 0, static_cast<std::size_t>(kColumns * k) * sizeof(float));
        if (b.column_stride == 1) {
            for (std::int64_t row = 0; row < k; ++row)
                memcpy(panel + row * kColumns, b.data + row * b.row_stride + n0,
                    static_cast<std::size_t>(columns) * sizeof(float));
            continue;
        }
        constexpr std::int64_t kBlock = 16; // a cache line of each source row at a time
        for (std::int64_t row0 = 0; row0 < k; row0 += kBlock) {
            const std::int64_t row1 = row0 + kBlock < k ? row0 + kBlock : k;
            for (std::int64_t column = 0; column < columns; ++column) {
                const float* from = b.data + (n0 + column) * b.column_stride;
                for (std::int64_t row = row0; row < row1; ++row)
                    panel[row * kColumns + column] = from[row * b.row_stride];
            }
        }
    }
}

float dot(const float* a, const float* b, std::int64_t count)
{
    Floats sum0 = {}, sum1 = {};
    std::int64_t i = 0;
    for (; i + 2 * kWidth <= count; i += 2 * kWidth) {
        sum0 += load(a + i) * load(b + i);
        sum1 += load(a + i + kWidth) * load(b + i + kWidth);
    }
    for (; i + kWidth <= count; i += kWidth)
        sum0 += load(a + i) * load(b + i);
    if (i < count)
        sum1 += loadFirst(a + i, count - i) * loadFirst(b + i, count - i);
    return sumOf(sum0 + sum1);
}

void addScaled(float a, const float* x, float* y, std::int64_t count)
{
    std::int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth)
        store(y + i, load(y + i) + a * load(x + i));
    for (; i < count; ++i)
        y[i] += a * x[i];
}

float inverseRoot(const float* x, std::int64_t d, float eps)
{
    return 1.0f / sqrtf(dot(x, x, d) / static_cast<float>(d) + eps);
}

void rmsNorm(
    const float* x, const float* weight, float* y, std::int64_t rows, std::int64_t d, float eps)
{
    for (std::int64_t row = 0; row < rows; ++row, x += d, y += d) {
        const float inverse = inverseRoot(x, d, eps);
        std::int64_t i = 0;
        for (; i + kWidth <= d; i += kWidth)
            store(y + i, load(x + i) * inverse * load(weight + i));
        for (; i < d; ++i)
            y[i] = x[i] * inverse * weight[i];
    }
}

/// Sum of a * b * c.
float dot3(const float* a, const float* b, const float* c, std::int64_t count)
{
    Floats sum = {};
    std::int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth)
        sum += load(a + i) * load(b + i) * load(c + i);
    if (i < count)
        sum += loadFirst(a + i, count - i) * loadFirst(b + i, count - i)
            * loadFirst(c + i, count - i);
    return sumOf(sum);
}

void rmsNormBackward(const float* x, const float* weight, const float* dy, float* dx,
    float* weight_gradient, std::int64_t rows, std::int64_t d, float eps)
{
    for (std::int64_t row = 0; row < rows; ++row, x += d, dy += d, dx += d) {
        const float inverse = inverseRoot(x, d, eps);
        const float pull = dot3(dy, weight, x, d) * inverse * inverse / static_cast<float>(d);
        std::int64_t i = 0;
        for (; i + kWidth <= d; i += kWidth)
            store(dx + i,
                load(dx + i) + inverse * (load(dy + i) * load(weight + i) - pull * load(x + i)));
        for (; i < d; ++i)
            dx[i] += inverse * (dy[i] * weight[i] - pull * x[i]);
        if (weight_gradient != nullptr) {
            for (i = 0; i < d; ++i)
                weight_gradient[i] += dy[i] * x[i] * inverse;
        }
    }
}

void normRotate(const float* x, const float* weight, const float* cosine, const float* sine,
    float* y, std::int64_t e, float eps, float scale)
{
    const float inverse = inverseRoot(x, e, eps);
    const std::int64_t half = e / 2;
    std::int64_t i = 0;
    for (; i + kWidth <= half; i += kWidth) {
        const Floats first = load(x + i) * inverse * load(weight + i);
        const Floats second = load(x + half + i) * inverse * load(weight + half + i);
        store(y + i, (first * load(cosine + i) - second * load(sine + i)) * scale);
        store(y + half + i, (second * load(cosine + i) + first * load(sine + i)) * scale);
    }
    for (; i < half; ++i) {
        const float first = x[i] * inverse * weight[i];
        const float second = x[half + i] * inverse * weight[half + i];
        y[i] = (first * cosine[i] - second * sine[i]) * scale;
        y[half + i] = (second * cosine[i] + first * sine[i]) * scale;
    }
}

void normRotateBackward(const float* x, const float* weight, const float* cosine, const float* sine,
    const float* dy, float* dx, float* weight_gradient, std::int64_t e, float eps, float scale)
{
    const std::int64_t half = e / 2;
    for (std::int64_t i = 0; i < half;
         ++i) { // rotate back: dx holds the gradient of the norm's output
        const float first = dy[i] * scale, second = dy[half + i] * scale;
        dx[i] = first * cosine[i] + second * sine[i];
        dx[half + i] = second * cosine[i] - first * sine[i];
    }
    const float inverse = inverseRoot(x, e, eps);
    const float pull = dot3(dx, weight, x, e) * inverse * inverse / static_cast<float>(e);
    if (weight_gradient != nullptr) {
        for (std::int64_t i = 0; i < e; ++i)
            weight_gradient[i] += dx[i] * x[i] * inverse;
    }
    for (std::int64_t i = 0; i < e; ++i)
        dx[i] = inverse * (dx[i] * weight[i] - pull * x[i]);
}

void swiglu(const float* gate, const float* up, float* y, std::int64_t count)
{
    std::int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) {
        const Floats g = load(gate + i);
        store(y + i, g / (1.0f + exponential(-g)) * load(up + i));
    }
    if (i < count) {
        const Floats g = loadFirst(gate + i, count - i);
        storeFirst(y + i, g / (1.0f + exponential(-g)) * loadFirst(up + i, count - i), count - i);
    }
}

void swigluBackward(const float* gate, const float* up, const float* dy, float* d_gate, float* d_up,
    std::int64_t count)
{
    for (std::int64_t i = 0; i < count; i += kWidth) {
        const std::int64_t some = count - i < kWidth ? count - i : kWidth;
        const bool whole = some == kWidth;
        const Floats g = whole ? load(gate + i) : loadFirst(gate + i, some);
        const Floats u = whole ? load(up + i) : loadFirst(up + i, some);
        const Floats d = whole ? load(dy + i) : loadFirst(dy + i, some);
        const Floats sigmoid = 1.0f / (1.0f + exponential(-g));
        const Floats silu = g * sigmoid;
        const Floats slope = sigmoid + silu * (1.0f - sigmoid);
        if (whole) {
            store(d_gate + i, d * u * slope);
            store(d_up + i, d * silu);
        } else {
            storeFirst(d_gate + i, d * u * slope, some);
            storeFirst(d_up + i, d * silu, some);
        }
    }
}

float largest(const float* x, std::int64_t count)
{
    Floats most = broadcast(-INFINITY);
    std::int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth)
        most = larger(load(x + i), most);
    float result = largestOf(most);
    for (; i < count; ++i)
        result = x[i] > result ? x[i] : result;
    return result;
}

float exponentials(const float* x, float shift, float scale, float* y, std::int64_t count)
{
    Floats sum = {};
    std::int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) {
        const Floats value = exponential((load(x + i) - shift) * scale);
        store(y + i, value);
        sum += value;
    }
    if (i < count) {
        storeFirst(y + i, exponential((loadFirst(x + i, count - i) - shift) * scale), count - i);
        sum += loadFirst(y + i, count - i);
    }
    return sumOf(sum);
}

float softmax(float* x, std::int64_t count, std::int64_t padded)
{
    const float most = largest(x, count);
    const float sum = exponentials(x, most, 1.0f, x, count);
    const float inverse = 1.0f / sum;
    for (std::int64_t i = 0; i < count; ++i)
        x[i] *= inverse;
    memset(x + count, 0, static_cast<std::size_t>(padded - count) * sizeof(float));
    return most + logf(sum);
}

void softmaxFrom(float* x, float log_sum, std::int64_t count, std::int64_t padded)
{
    exponentials(x, log_sum, 1.0f, x, count);
    memset(x + count, 0, static_cast<std::size_t>(padded - count) * sizeof(float));
}

inline Floats loadWeights(const float* from)
{
    return load(from);
}

inline Floats loadWeights(const std::uint16_t* from)
{
    Halves bits;
    memcpy(&bits, from, sizeof(bits));
    const Words wide = __builtin_convertvector(bits, Words) << 16;
    Floats value;
    memcpy(&value, &wide, sizeof(value));
    return value;
}

inline float weightAt(const float* from)
{
    return *from;
}

inline float weightAt(const std::uint16_t* from)
{
    const std::uint32_t bits = static_cast<std::uint32_t>(*from) << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/// R rows of x times two stored rows of W.
template <std::int64_t R, class Weight>
inline void storedTile(std::int64_t k, const float* x, std::int64_t x_stride, const Weight* w0,
    const Weight* w1, float* y, std::int64_t y_stride, bool both)
{
    Floats sum0[R], sum1[R];
    for (std::int64_t r = 0; r < R; ++r)
        sum0[r] = sum1[r] = Floats{};
    std::int64_t i = 0;
    for (; i + kWidth <= k; i += kWidth) {
        const Floats first = loadWeights(w0 + i), second = loadWeights(w1 + i);
        for (std::int64_t r = 0; r < R; ++r) {
            const Floats left = load(x + r * x_stride + i);
            sum0[r] += left * first;
            sum1[r] += left * second;
        }
    }
    for (std::int64_t r = 0; r < R; ++r) {
        float first = sumOf(sum0[r]), second = sumOf(sum1[r]);
        for (std::int64_t j = i; j < k; ++j) {
            first += x[r * x_stride + j] * weightAt(w0 + j);
            second += x[r * x_stride + j] * weightAt(w1 + j);
        }
        y[r * y_stride] = first;
        if (both)
            y[r * y_stride + 1] = second;
    }
}

template <class Weight>
void multiplyStoredAny(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
    std::int64_t x_stride, const Weight* w, float* y, std::int64_t y_stride)
{
    constexpr std::int64_t kStoredRows = ZEN_KERNEL_WIDTH >= 16 ? 8 : 4;
    for (std::int64_t n0 = 0; n0 < n; n0 += 2) {
        const bool both = n0 + 1 < n;
        const Weight* w0 = w + n0 * k;
        const Weight* w1 = both ? w0 + k : w0;
        for (std::int64_t m0 = 0; m0 < m;) {
            const float* left = x + m0 * x_stride;
            float* to = y + m0 * y_stride + n0;
            if (m - m0 >= kStoredRows) {
                storedTile<kStoredRows>(k, left, x_stride, w0, w1, to, y_stride, both);
                m0 += kStoredRows;
            } else if (m - m0 >= 4) {
                storedTile<4>(k, left, x_stride, w0, w1, to, y_stride, both);
                m0 += 4;
            } else if (m - m0 >= 2) {
                storedTile<2>(k, left, x_stride, w0, w1, to, y_stride, both);
                m0 += 2;
            } else {
                storedTile<1>(k, left, x_stride, w0, w1, to, y_stride, both);
                m0 += 1;
            }
        }
    }
}

void multiplyStored(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
    std::int64_t x_stride, const float* w, float* y, std::int64_t y_stride)
{
    multiplyStoredAny(m, n, k, x, x_stride, w, y, y_stride);
}

void multiplyStoredBf16(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
    std::int64_t x_stride, const std::uint16_t* w, float* y, std::int64_t y_stride)
{
    multiplyStoredAny(m, n, k, x, x_stride, w, y, y_stride);
}

void widen(const std::uint16_t* x, float* y, std::int64_t count)
{
    std::int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth)
        store(y + i, loadWeights(x + i));
    for (; i < count; ++i)
        y[i] = weightAt(x + i);
}

#include "core/model/kernels_nf4_body.h"

} // namespace

extern const Kernels ZEN_KERNEL_TABLE;
const Kernels ZEN_KERNEL_TABLE = { ZEN_KERNEL_NAME, kColumns, multiply, pack, rmsNorm,
    rmsNormBackward, normRotate, normRotateBackward, swiglu, swigluBackward, softmax, softmaxFrom,
    largest, exponentials, dot, addScaled, multiplyStored, multiplyStoredBf16, widen, packNf4,
    unpackNf4, unpackNf4Bf16, splitPairs, multiplyStoredNf4 };

} // namespace zen
