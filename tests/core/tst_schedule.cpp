#include "core/train/schedule.h"

#include <QTest>

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

using namespace zen;

class TestSchedule : public QObject {
    Q_OBJECT

private Q_SLOTS:
    /// Learning rates that transformers' schedulers gave (tests/reference-cases/README.md).
    void reference_matches()
    {
        std::ifstream file(ZEN_SOURCE_DIR "/tests/reference-cases/schedules.json");
        QVERIFY(file.good());
        const nlohmann::json cases = nlohmann::json::parse(file);
        const std::map<std::string, SchedulerType> types = { { "linear", SchedulerType::linear },
            { "cosine", SchedulerType::cosine }, { "constant", SchedulerType::constant },
            { "constant_with_warmup", SchedulerType::constant_with_warmup } };
        int compared = 0;
        for (const auto& [name, rates] : cases["learning_rate"].items()) {
            Schedule schedule;
            QVERIFY2(types.contains(name), name.c_str());
            schedule.type = types.at(name);
            schedule.peak = cases["peak"];
            schedule.warmup_steps = cases["warmup_steps"];
            schedule.total_steps = cases["total_steps"];
            for (std::size_t step = 0; step < rates.size(); ++step, ++compared)
                QVERIFY2(std::abs(learningRate(schedule, static_cast<std::int64_t>(step))
                             - rates[step].get<double>())
                        < 1e-12,
                    (name + " step " + std::to_string(step)).c_str());
        }
        QVERIFY(compared >= 160);
    }

    void cosineWithFloor_endsAtTheFloor()
    {
        Schedule schedule;
        schedule.type = SchedulerType::cosine_with_min_lr;
        schedule.peak = 2e-3;
        schedule.min_lr_rate = 0.25;
        schedule.total_steps = 10;
        QVERIFY(std::abs(learningRate(schedule, 0) - 2e-3) < 1e-15);
        QVERIFY(std::abs(learningRate(schedule, 5) - 2e-3 * 0.625) < 1e-15);
        QVERIFY(std::abs(learningRate(schedule, 10) - 5e-4) < 1e-15);
    }

    void pastTheEnd_isZeroNotNegative()
    {
        Schedule schedule;
        schedule.peak = 1;
        schedule.total_steps = 4;
        QCOMPARE(learningRate(schedule, 4), 0.0);
        QCOMPARE(learningRate(schedule, 9), 0.0);
    }

    void warmupSteps_winOverRatio()
    {
        OptimizerSection section;
        section.warmup_ratio = 0.05;
        QCOMPARE(scheduleOf(section, 101).warmup_steps, 6);
        section.warmup_steps = 3;
        QCOMPARE(scheduleOf(section, 101).warmup_steps, 3);
    }
};

QTEST_GUILESS_MAIN(TestSchedule)
#include "tst_schedule.moc"
