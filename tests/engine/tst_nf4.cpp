#include "core/model/kernels.h"
#include "core/model/nf4.h"

#include <QTest>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

using namespace zen;

namespace {

at::Tensor normal(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
{
    at::manual_seed(seed);
    return at::randn({ rows, columns });
}

std::uint8_t codeOf(const Nf4Matrix& matrix, std::int64_t index)
{
    const std::uint8_t pair = matrix.codes.data_ptr<std::uint8_t>()[index / 2];
    return index % 2 == 0 ? pair >> 4 : pair & 15;
}

std::vector<const Kernels*> kernelsHere()
{
    std::vector<const Kernels*> sets = { &kPortableKernels };
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets.push_back(&kAvx2Kernels);
    if (&kernels() == &kAvx512Kernels)
        sets.push_back(&kAvx512Kernels);
#endif
    return sets;
}

double relativeError(const at::Tensor& ours, const at::Tensor& wanted)
{
    return ((ours - wanted).abs().max() / wanted.abs().max()).item<double>();
}

} // namespace

class TestNf4 : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void numbers_areNearestToTheWeights_data()
    {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("columns");
        for (const auto& [rows, columns] :
            { std::pair{ 8, 64 }, { 3, 128 }, { 7, 33 }, { 1, 1 }, { 5, 96 }, { 130, 70 } })
            QTest::addRow("%d x %d", rows, columns) << rows << columns;
    }

    void numbers_areNearestToTheWeights()
    {
        QFETCH(int, rows);
        QFETCH(int, columns);
        const at::Tensor weight = normal(rows, columns, 1);
        const auto matrix = packNf4(weight, {});
        const at::Tensor numbers = unpackNf4(*matrix).reshape({ -1 });
        const at::Tensor flat = weight.reshape({ -1 }).contiguous();
        for (std::int64_t i = 0; i < flat.numel(); ++i) {
            const std::int64_t begin = i / kNf4Block * kNf4Block;
            const float most = flat.narrow(0, begin, std::min(kNf4Block, flat.numel() - begin))
                                   .abs()
                                   .max()
                                   .item<float>();
            const float x = flat[i].item<float>() / most;
            double least = 1e9;
            for (const float value : kNf4Values)
                least = std::min(least, std::abs(double(value) - double(x)));
            const float number = kNf4Values[codeOf(*matrix, i)];
            QVERIFY(std::abs(double(number) - double(x)) < least + 1e-6);
            QCOMPARE(numbers[i].item<float>(), number * most);
            float one = 0;
            unpackNf4(*matrix, i, 1, &one);
            QCOMPARE(one, number * most);
        }
    }

    /// The figure that bitsandbytes' own tests hold for normal numbers in blocks of 64.
    void error_isAsPublished()
    {
        const at::Tensor weight = normal(1024, 1024, 2);
        const double error = (unpackNf4(*packNf4(weight, {})) - weight).abs().mean().item<double>();
        QVERIFY2(std::abs(error - 0.072798) < 3e-4, qPrintable(QString::number(error)));
    }

    void blockOfZeros_staysZero()
    {
        at::Tensor weight = normal(2, 128, 3);
        weight[1].narrow(0, 0, 64).zero_();
        const at::Tensor numbers = unpackNf4(*packNf4(weight, {}));
        QVERIFY(numbers[1].narrow(0, 0, 64).eq(0).all().item<bool>());
        Nf4Options twice;
        twice.double_quantization = true;
        QVERIFY(unpackNf4(*packNf4(at::zeros({ 3, 64 }), twice)).eq(0).all().item<bool>());
    }

    void pieces_packLikeTheWhole()
    {
        const at::Tensor weight = normal(37, 90, 4).contiguous();
        Nf4Options options;
        options.double_quantization = true;
        const auto whole = packNf4(weight, options);
        Nf4Packer packer(37, 90, options);
        for (std::int64_t first = 0; first < weight.numel(); first += 640)
            packer.add(weight.data_ptr<float>() + first,
                std::min<std::int64_t>(640, weight.numel() - first));
        const auto again = packer.finish();
        QVERIFY(again->codes.equal(whole->codes));
        QVERIFY(again->scales.equal(whole->scales));
        QVERIFY(again->nested_scales.equal(whole->nested_scales));
    }

    void dynamicMap_isThePublishedOne()
    {
        const at::Tensor map = dynamicMap();
        QCOMPARE(map.numel(), std::int64_t{ 256 });
        const float* values = map.data_ptr<float>();
        for (int i = 1; i < 256; ++i)
            QVERIFY(values[i] > values[i - 1]);
        // hand-computed: the ends, the middle of the widest decade, its smallest numbers
        QVERIFY(std::abs(values[255] - 1.0f) < 1e-7f);
        QVERIFY(std::abs(values[254] - (0.1f + 0.9f * 63.5f / 64)) < 1e-6f);
        QVERIFY(std::abs(values[0] + (0.1f + 0.9f * 63.5f / 64)) < 1e-6f);
        QCOMPARE(values[127], 0.0f);
        QVERIFY(std::abs(values[128] - 5.5e-7f) < 1e-12f);
        QVERIFY(std::abs(values[126] + 5.5e-7f) < 1e-12f);
    }

    void doubleQuantisation_staysCloseAndSmall()
    {
        const at::Tensor weight = normal(512, 1024, 5) * 0.02;
        Nf4Options twice;
        twice.double_quantization = true;
        const auto once = packNf4(weight, {}), nested = packNf4(weight, twice);
        QVERIFY(nested->codes.equal(once->codes));
        std::vector<float> buffer(static_cast<std::size_t>(once->blocks()));
        const float* scales = nested->scalesOf(0, once->blocks(), buffer.data());
        const at::Tensor ours
            = at::from_blob(const_cast<float*>(scales), { once->blocks() }, at::kFloat);
        QVERIFY(relativeError(ours, once->scales) < 0.02);
        const auto bits = [&](const Nf4Matrix& matrix) {
            return 8.0 * static_cast<double>(matrix.bytes()) / static_cast<double>(matrix.size());
        };
        QCOMPARE(bits(*once), 4.5);
        QVERIFY(std::abs(bits(*nested) - 4.127) < 0.001);
    }

    void instructionSets_agree()
    {
        const at::Tensor weight = normal(66, 128, 6).contiguous();
        const at::Tensor x = normal(11, 128, 7).contiguous();
        const auto matrix = packNf4(weight, {});
        const auto* codes = matrix->codes.data_ptr<std::uint8_t>();
        const float* scales = matrix->scales.data_ptr<float>();
        const at::Tensor numbers = unpackNf4(*matrix);
        for (const Kernels* set : kernelsHere()) {
            at::Tensor packed = at::empty_like(matrix->codes), own = at::empty_like(matrix->scales);
            set->packNf4(weight.data_ptr<float>(), weight.numel(), packed.data_ptr<std::uint8_t>(),
                own.data_ptr<float>());
            QVERIFY2(packed.equal(matrix->codes) && own.equal(matrix->scales), set->name);
            at::Tensor unpacked = at::empty_like(weight);
            set->unpackNf4(
                codes, scales, kNf4Values.data(), weight.numel(), unpacked.data_ptr<float>());
            QVERIFY2(unpacked.equal(numbers), set->name);
            at::Tensor halves = at::empty({ 66, 128 }, at::kBFloat16);
            set->unpackNf4Bf16(codes, scales, kNf4Values.data(), weight.numel(),
                static_cast<std::uint16_t*>(halves.data_ptr()));
            QVERIFY2(halves.equal(numbers.to(at::kBFloat16)), set->name);
            at::Tensor split = at::empty_like(x), y = at::empty({ 11, 66 });
            set->splitPairs(x.data_ptr<float>(), x.numel(), split.data_ptr<float>());
            set->multiplyStoredNf4(11, 65, 128, split.data_ptr<float>(), 128, codes, scales,
                kNf4Values.data(), y.data_ptr<float>(), 66);
            const at::Tensor wanted = at::mm(x, numbers.t());
            QVERIFY2(relativeError(y.narrow(1, 0, 65), wanted.narrow(1, 0, 65)) < 1e-5, set->name);
        }
    }

    void products_equalThoseOfTheNumbers_data()
    {
        QTest::addColumn<bool>("bf16");
        QTest::addColumn<bool>("nested");
        QTest::addColumn<int>("out");
        QTest::addColumn<int>("in");
        QTest::addColumn<int>("rows");
        for (const bool bf16 : { false, true })
            for (const bool nested : { false, true })
                for (const auto& [out, in, rows] : { std::tuple{ 192, 128, 40 }, { 70, 96, 5 },
                         { 33, 17, 3 }, { 1, 64, 1 }, { 200, 320, 1 }, { 40000, 64, 3 } })
                    QTest::addRow("%s%s %d x %d, %d rows", bf16 ? "bf16" : "float32",
                        nested ? " double" : "", out, in, rows)
                        << bf16 << nested << out << in << rows;
    }

    void products_equalThoseOfTheNumbers()
    {
        QFETCH(bool, bf16);
        QFETCH(bool, nested);
        QFETCH(int, out);
        QFETCH(int, in);
        QFETCH(int, rows);
        const Nf4Options options = { bf16 ? at::kBFloat16 : at::kFloat, nested };
        const auto matrix = packNf4(normal(out, in, 8), options);
        const at::Tensor numbers = unpackNf4(*matrix);
        const at::Tensor x = normal(rows, in, 9), dy = normal(rows, out, 10);
        const auto rounded
            = [&](const at::Tensor& t) { return bf16 ? t.to(at::kBFloat16).to(at::kFloat) : t; };
        const double tolerance = bf16 ? 1.0 / 128 : 1e-5;
        const at::Tensor y_wanted = at::mm(rounded(x), rounded(numbers).t()),
                         dx_wanted = at::mm(rounded(dy), rounded(numbers));
        const int before = at::get_num_threads();
        std::vector<at::Tensor> results;
        for (const int threads : { 1, 2 }) {
            at::set_num_threads(threads);
            at::Tensor y = at::ones({ rows, out }), dx = at::ones({ rows, in }),
                       few = at::empty({ rows, out });
            multiplyNf4(*matrix, x.data_ptr<float>(), rows, y.data_ptr<float>(), true);
            QVERIFY(relativeError(y - 1, y_wanted) < tolerance);
            multiplyNf4(*matrix, x.data_ptr<float>(), rows, y.data_ptr<float>(), false);
            multiplyNf4Back(*matrix, dy.data_ptr<float>(), rows, dx.data_ptr<float>(), true);
            QVERIFY(relativeError(dx - 1, dx_wanted) < tolerance);
            multiplyNf4Back(*matrix, dy.data_ptr<float>(), rows, dx.data_ptr<float>(), false);
            multiplyNf4Few(*matrix, x.data_ptr<float>(), rows, few.data_ptr<float>());
            QVERIFY(relativeError(y, y_wanted) < tolerance);
            QVERIFY(relativeError(dx, dx_wanted) < tolerance);
            QVERIFY(relativeError(few, at::mm(x, numbers.t())) < 1e-5);
            results.push_back(
                at::cat({ y.reshape({ -1 }), dx.reshape({ -1 }), few.reshape({ -1 }) }));
        }
        at::set_num_threads(before);
        QVERIFY(results[0].equal(results[1]) || bf16);
    }
};

QTEST_GUILESS_MAIN(TestNf4)
#include "tst_nf4.moc"
