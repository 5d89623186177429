#include "core/base/durable_file.h"
#include "core/train/verify.h"
#include "core/weights/tensor_file.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <ATen/ATen.h>

#include <filesystem>

using namespace zen;
namespace fs = std::filesystem;

namespace {

const fs::path kReference = ZEN_SOURCE_DIR "/tests/reference-cases";

std::vector<VerifyCase> casesOf(const fs::path& folder, const fs::path& tokenizer = {})
{
    std::vector<VerifyCase> cases;
    const auto done
        = verifyFolder(folder, tokenizer, [&](const VerifyCase& one) { cases.push_back(one); });
    if (!done)
        qWarning("%s", done.error().message.c_str());
    return cases;
}

/// Every float of the file with its sign turned.
void negateFloats(const fs::path& file)
{
    NamedTensors tensors = readTensors(file).value();
    for (auto& [name, tensor] : tensors)
        if (tensor.is_floating_point())
            tensor = tensor.neg().sub(1);
    fs::remove(file);
    QVERIFY(writeTensors(file, tensors, {}).has_value());
}

} // namespace

class TestVerify : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void referenceCases_pass()
    {
        const fs::path tokenizer = ZEN_SOURCE_DIR "/../shared/data/qwen3-tokenizer/tokenizer.json";
        const auto cases = casesOf(kReference, fs::exists(tokenizer) ? tokenizer : fs::path());
        int passed = 0;
        for (const VerifyCase& one : cases) {
            const std::string line = one.name + ": " + std::to_string(one.largest_error) + " of "
                + std::to_string(one.tolerance) + " " + one.detail;
            QVERIFY2(one.outcome != VerifyCase::Outcome::failed, line.c_str());
            passed += one.outcome == VerifyCase::Outcome::passed ? 1 : 0;
            if (one.outcome == VerifyCase::Outcome::skipped)
                QVERIFY2(one.detail.starts_with("needs Qwen3's tokenizer"), line.c_str());
        }
        QVERIFY2(passed >= 60, std::to_string(passed).c_str());
    }

    void alteredNumbers_fail()
    {
        const QTemporaryDir copy;
        const fs::path folder = copy.path().toStdString();
        fs::copy(kReference, folder, fs::copy_options::recursive);
        for (const char* name :
            { "dense-logits", "policy-loss", "adamw", "lora-grads", "moe-logits", "nf4" })
            negateFloats(folder / (std::string(name) + ".safetensors"));
        QVERIFY(writeDurably(folder / "schedules.json", "{\"peak\": 1}").has_value());
        int failed = 0;
        bool damaged_schedule = false;
        for (const VerifyCase& one : casesOf(folder)) {
            failed += one.outcome == VerifyCase::Outcome::failed ? 1 : 0;
            damaged_schedule
                |= one.name == "schedules" && one.outcome == VerifyCase::Outcome::failed;
        }
        QVERIFY2(failed >= 13, std::to_string(failed).c_str());
        QVERIFY(damaged_schedule);
    }

    void emptyFolder_isAnError()
    {
        const QTemporaryDir empty;
        QVERIFY(
            !verifyFolder(empty.path().toStdString(), {}, [](const VerifyCase&) {}).has_value());
        QVERIFY(!verifyFolder("/nonexistent", {}, [](const VerifyCase&) {}).has_value());
    }

    void nestedFolders_areFound()
    {
        const QTemporaryDir outer;
        const fs::path inner = fs::path(outer.path().toStdString()) / "first";
        fs::create_directories(inner);
        fs::copy_file(kReference / "schedules.json", inner / "schedules.json");
        const auto cases = casesOf(outer.path().toStdString());
        QCOMPARE(cases.size(), std::size_t{ 4 });
        QVERIFY(cases[0].name.starts_with("first/"));
    }
};

QTEST_GUILESS_MAIN(TestVerify)
#include "tst_verify.moc"
