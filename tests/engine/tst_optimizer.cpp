#include "core/train/optimizer.h"
#include "core/weights/tensor_file.h"

#include <QTest>

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>

using namespace zen;

namespace {

at::Tensor leaf(const at::Tensor& values)
{
    return values.clone().requires_grad_(true);
}

void setGradient(const at::Tensor& parameter, const at::Tensor& gradient)
{
    const c10::NoGradGuard no_grad;
    at::Tensor place = parameter.grad();
    place.copy_(gradient);
}

} // namespace

class TestOptimizer : public QObject {
    Q_OBJECT

private Q_SLOTS:
    /// Five steps of torch.optim.AdamW(lr=0.01, weight_decay=0.01) with clipping at norm 1
    /// (tests/reference-cases).
    void reference_matches()
    {
        const auto tensors = readTensors(ZEN_SOURCE_DIR "/tests/reference-cases/adamw.safetensors");
        QVERIFY2(tensors, tensors ? "" : tensors.error().message.c_str());
        OptimizerSection section;
        section.weight_decay = 0.01;
        section.max_grad_norm = 1;
        const at::Tensor parameter = leaf(tensors->at("start"));
        Optimizer optimizer({ parameter }, section);
        for (int step = 0; step < 5; ++step) {
            const std::string index = std::to_string(step);
            setGradient(parameter, tensors->at("grad_" + index));
            const double norm = optimizer.gradientNorm();
            QVERIFY(std::abs(norm - tensors->at("norm_" + index).item<double>()) < 1e-5);
            optimizer.step(0.01, norm);
            const double error
                = (parameter.detach() - tensors->at("after_" + index)).abs().max().item<double>();
            QVERIFY2(error < 1e-6, std::to_string(error).c_str());
        }
    }

    void backward_addsIntoTheBuffer()
    {
        const at::Tensor first = leaf(at::ones({ 3, 2 })), second = leaf(at::ones({ 5 }));
        Optimizer optimizer({ first, second }, {});
        (first.sum() * 2 + second.sum() * 3).backward();
        (first.sum()).backward();
        QVERIFY(std::abs(optimizer.gradientNorm() - std::sqrt(6 * 9.0 + 5 * 9.0)) < 1e-6);
        optimizer.zeroGradients();
        QCOMPARE(optimizer.gradientNorm(), 0.0);
        QCOMPARE(first.grad().abs().max().item<double>(), 0.0);
    }

    void vectors_getNoWeightDecay()
    {
        const at::Tensor matrix = leaf(at::ones({ 2, 2 })), norm = leaf(at::ones({ 2 }));
        OptimizerSection section;
        section.weight_decay = 0.5;
        Optimizer optimizer({ matrix, norm }, section);
        optimizer.step(0.1, 0);
        QVERIFY(std::abs(matrix.max().item<double>() - 0.95) < 1e-6);
        QCOMPARE(norm.max().item<double>(), 1.0);
    }

    void noLimit_doesNotClip()
    {
        const at::Tensor parameter = leaf(at::zeros({ 1, 1 }));
        OptimizerSection section;
        section.max_grad_norm = 0;
        Optimizer optimizer({ parameter }, section);
        setGradient(parameter, at::full({ 1, 1 }, 100.0));
        optimizer.step(0.1, optimizer.gradientNorm());
        QVERIFY(std::abs(optimizer.firstMoment().max().item<double>() - 10) < 1e-4);
    }

    void restored_goesOnAsIfNeverStopped()
    {
        const at::Tensor gradient = at::tensor({ 0.3, -0.2, 0.7, 0.1 }, at::kFloat).view({ 2, 2 });
        const at::Tensor straight = leaf(at::ones({ 2, 2 }));
        Optimizer whole({ straight }, {});
        at::Tensor resumed;
        for (int step = 0; step < 4; ++step) {
            setGradient(straight, gradient * (step + 1));
            whole.step(0.01, whole.gradientNorm());
            if (step == 1)
                resumed = leaf(straight.detach());
            if (step == 1) {
                Optimizer second({ resumed }, {});
                second.restore(whole.firstMoment(), whole.secondMoment(), whole.updates());
                for (int later = 2; later < 4; ++later) {
                    setGradient(resumed, gradient * (later + 1));
                    second.step(0.01, second.gradientNorm());
                }
            }
        }
        QVERIFY(at::equal(straight.detach(), resumed.detach()));
    }

    void nonFinite_isSeen()
    {
        const at::Tensor parameter = leaf(at::ones({ 2, 2 }));
        Optimizer optimizer({ parameter }, {});
        QVERIFY(optimizer.parametersAreFinite());
        setGradient(parameter, at::full({ 2, 2 }, std::nan("")));
        QVERIFY(!std::isfinite(optimizer.gradientNorm()));
        {
            const c10::NoGradGuard no_grad;
            at::Tensor place = parameter;
            place.fill_(std::nan(""));
        }
        QVERIFY(!optimizer.parametersAreFinite());
    }
};

QTEST_GUILESS_MAIN(TestOptimizer)
#include "tst_optimizer.moc"
