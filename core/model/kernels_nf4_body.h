// The part of kernels_body.h that works on NF4 codes; same rules.

typedef std::uint8_t Bytes __attribute__((vector_size(ZEN_KERNEL_WIDTH)));

constexpr std::int64_t kCodeBlock = 64; // weights that share a scale

/// Above threshold i, code i + 1 is nearer than code i (bitsandbytes' own constants).
constexpr float kCodeThresholds[15]
    = { -0.8480964004993439f, -0.6106329262256622f, -0.4599952697753906f, -0.33967943489551544f,
          -0.23460740596055984f, -0.13791173323988914f, -0.045525018125772476f,
          0.03979014977812767f, 0.1202552504837513f, 0.2035212516784668f, 0.2920137718319893f,
          0.3893125355243683f, 0.5016634166240692f, 0.6427869200706482f, 0.8614784181118011f };

/// Codes of `count` numbers, two to a byte, and one scale for each 64 of them.
void packNf4(const float* x, std::int64_t count, std::uint8_t* codes, float* scales)
{
    for (std::int64_t begin = 0; begin < count; begin += kCodeBlock) {
        const std::int64_t some = count - begin < kCodeBlock ? count - begin : kCodeBlock;
        const float* from = x + begin;
        float most = 0;
        for (std::int64_t i = 0; i < some; ++i)
            most = fabsf(from[i]) > most ? fabsf(from[i]) : most;
        scales[begin / kCodeBlock] = most;
        const float inverse = most > 0 ? 1.0f / most : 0.0f;
        std::int32_t code[kCodeBlock + 1] = {};
        if (some == kCodeBlock) {
            for (std::int64_t i = 0; i < kCodeBlock; i += kWidth) {
                const Floats value = load(from + i) * inverse;
                Ints sum = {};
                for (int threshold = 0; threshold < 15; ++threshold)
                    sum -= value > broadcast(kCodeThresholds[threshold]); // true is -1
                memcpy(code + i, &sum, sizeof(sum));
            }
        } else {
            for (std::int64_t i = 0; i < some; ++i) {
                for (int threshold = 0; threshold < 15; ++threshold)
                    code[i] += from[i] * inverse > kCodeThresholds[threshold] ? 1 : 0;
            }
        }
        std::uint8_t* to = codes + begin / 2;
        for (std::int64_t i = 0; i < some; i += 2)
            to[i / 2] = static_cast<std::uint8_t>(code[i] << 4 | code[i + 1]);
    }
}

/// values[index], for 16 values.
inline Floats lookUp(const float* values, Ints index)
{
#if ZEN_KERNEL_WIDTH == 16 && !defined(__clang__)
    return __builtin_shuffle(load(values), index);
#elif ZEN_KERNEL_WIDTH == 8 && !defined(__clang__)
    return __builtin_shuffle(load(values), load(values + 8), index);
#else
    float lanes[kWidth];
    std::int32_t places[kWidth];
    memcpy(places, &index, sizeof(places));
    for (std::int64_t i = 0; i < kWidth; ++i)
        lanes[i] = values[places[i]];
    return load(lanes);
#endif
}

/// kWidth bytes as integers. g++ takes them apart one by one unless it is told the instruction.
inline Ints widen(const std::uint8_t* from)
{
#if ZEN_KERNEL_WIDTH == 16 && defined(__AVX512F__)
    const __m512i wide = _mm512_maskz_cvtepu8_epi32( // the plain one makes g++ 12 warn
        static_cast<__mmask16>(-1), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#elif ZEN_KERNEL_WIDTH == 8 && defined(__AVX2__)
    const __m256i wide
        = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
#else
    Bytes bytes;
    memcpy(&bytes, from, sizeof(bytes));
    const Ints wide = __builtin_convertvector(bytes, Ints);
#endif
    Ints value;
    memcpy(&value, &wide, sizeof(value));
    return value;
}

/// The numbers of kWidth bytes: those of the high halves and those of the low ones.
inline void numbersOf(
    const std::uint8_t* codes, const float* values, float scale, Floats& high, Floats& low)
{
    const Ints wide = widen(codes);
    high = lookUp(values, wide >> 4) * scale;
    low = lookUp(values, wide & 15) * scale;
}

/// a0 b0 a1 b1 …, kWidth pairs.
inline void interleave(Floats a, Floats b, Floats& first, Floats& second)
{
#if defined(__clang__)
    float pairs[2 * kWidth], from_a[kWidth], from_b[kWidth];
    store(from_a, a);
    store(from_b, b);
    for (std::int64_t i = 0; i < kWidth; ++i) {
        pairs[2 * i] = from_a[i];
        pairs[2 * i + 1] = from_b[i];
    }
    first = load(pairs);
    second = load(pairs + kWidth);
#else
    Ints low = {}, high = {};
    for (int i = 0; i < ZEN_KERNEL_WIDTH; ++i) {
        low[i] = i / 2 + (i % 2) * ZEN_KERNEL_WIDTH;
        high[i] = low[i] + ZEN_KERNEL_WIDTH / 2;
    }
    first = __builtin_shuffle(a, b, low);
    second = __builtin_shuffle(a, b, high);
#endif
}

inline void storeNumbers(float* to, Floats value)
{
    store(to, value);
}

/// Rounded to the nearest bfloat16, ties to even.
inline void storeNumbers(std::uint16_t* to, Floats value)
{
    Words bits;
    memcpy(&bits, &value, sizeof(bits));
    bits += 0x7fffu + (bits >> 16 & 1u);
    const Halves halves = __builtin_convertvector(bits >> 16, Halves);
    memcpy(to, &halves, sizeof(halves));
}

template <class Number>
void unpackNf4Any(const std::uint8_t* codes, const float* scales, const float* values,
    std::int64_t count, Number* y)
{
    for (std::int64_t begin = 0; begin < count; begin += kCodeBlock) {
        const float scale = scales[begin / kCodeBlock];
        for (std::int64_t i = begin; i < begin + kCodeBlock; i += 2 * kWidth) {
            Floats high, low, first, second;
            numbersOf(codes + i / 2, values, scale, high, low);
            interleave(high, low, first, second);
            storeNumbers(y + i, first);
            storeNumbers(y + i + kWidth, second);
        }
    }
}

void unpackNf4(const std::uint8_t* codes, const float* scales, const float* values,
    std::int64_t count, float* y)
{
    unpackNf4Any(codes, scales, values, count, y);
}

void unpackNf4Bf16(const std::uint8_t* codes, const float* scales, const float* values,
    std::int64_t count, std::uint16_t* y)
{
    unpackNf4Any(codes, scales, values, count, y);
}

/// x as numbersOf gives its factors: in each group of 2 kWidth, the even places, then the odd ones.
void splitPairs(const float* x, std::int64_t count, float* y)
{
    for (std::int64_t begin = 0; begin < count; begin += 2 * kWidth) {
        for (std::int64_t i = 0; i < kWidth; ++i) {
            y[begin + i] = x[begin + 2 * i];
            y[begin + kWidth + i] = x[begin + 2 * i + 1];
        }
    }
}

template <std::int64_t N> struct Count {
    static constexpr std::int64_t value = N;
};
constexpr std::int64_t kCodedRows = ZEN_KERNEL_WIDTH >= 16 ? 8 : 4;

/// R rows of x times two rows of codes.
template <std::int64_t R>
inline void codedTile(std::int64_t k, const float* x, std::int64_t x_stride,
    const std::uint8_t* codes0, const std::uint8_t* codes1, const float* scales0,
    const float* scales1, const float* values, float* y, std::int64_t y_stride, bool both)
{
    Floats sum0[R], sum1[R];
    for (std::int64_t r = 0; r < R; ++r)
        sum0[r] = sum1[r] = Floats{};
    for (std::int64_t block = 0; block < k / kCodeBlock; ++block) {
        const float scale0 = scales0[block], scale1 = scales1[block];
        for (std::int64_t i = block * kCodeBlock; i < (block + 1) * kCodeBlock; i += 2 * kWidth) {
            Floats high0, low0, high1, low1;
            numbersOf(codes0 + i / 2, values, scale0, high0, low0);
            numbersOf(codes1 + i / 2, values, scale1, high1, low1);
            for (std::int64_t r = 0; r < R; ++r) {
                const Floats even = load(x + r * x_stride + i);
                const Floats odd = load(x + r * x_stride + i + kWidth);
                sum0[r] += even * high0;
                sum1[r] += even * high1;
                sum0[r] += odd * low0;
                sum1[r] += odd * low1;
            }
        }
    }
    for (std::int64_t r = 0; r < R; ++r) {
        y[r * y_stride] = sumOf(sum0[r]);
        if (both)
            y[r * y_stride + 1] = sumOf(sum1[r]);
    }
}

void multiplyStoredNf4(std::int64_t m, std::int64_t n, std::int64_t k, const float* x,
    std::int64_t x_stride, const std::uint8_t* codes, const float* scales, const float* values,
    float* y, std::int64_t y_stride)
{
    for (std::int64_t n0 = 0; n0 < n; n0 += 2) {
        const bool both = n0 + 1 < n;
        const std::uint8_t* codes0 = codes + n0 * k / 2;
        const std::uint8_t* codes1 = both ? codes0 + k / 2 : codes0;
        const float* scales0 = scales + n0 * (k / kCodeBlock);
        const float* scales1 = both ? scales0 + k / kCodeBlock : scales0;
        for (std::int64_t m0 = 0; m0 < m;) {
            const float* left = x + m0 * x_stride;
            float* to = y + m0 * y_stride + n0;
            const auto run = [&](auto rows) {
                codedTile<decltype(rows)::value>(k, left, x_stride, codes0, codes1, scales0,
                    scales1, values, to, y_stride, both);
                m0 += decltype(rows)::value;
            };
            if (m - m0 >= kCodedRows)
                run(Count<kCodedRows>{});
            else if (m - m0 >= 4)
                run(Count<4>{});
            else if (m - m0 >= 2)
                run(Count<2>{});
            else
                run(Count<1>{});
        }
    }
}
