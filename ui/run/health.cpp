#include "ui/run/health.h"

#include "ui/plots/axis_range.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

namespace zen::ui {

namespace {

using Level = HealthNote::Level;

constexpr std::size_t kWindow = 10; ///< steps that one look averages
constexpr std::size_t kTrendSteps = 100;

struct Texts {
    Q_DECLARE_TR_FUNCTIONS(Health)
};

QString number(double value)
{
    return QString::fromStdString(shortNumber(value));
}

QString percent(double share)
{
    return QStringLiteral("%1 %").arg(qRound(100 * share));
}

QString withSign(double value)
{
    return (value < 0 ? QStringLiteral("−") : QStringLiteral("+")) + number(std::abs(value));
}

void addTrend(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    const bool supervised = trace.started() && trace.started()->stage == "sft";
    const std::string metric = supervised ? "loss" : "reward";
    const std::size_t rows = trace.rows();
    if (rows < 2 * 3 || !trace.column(metric))
        return;
    const std::size_t window = std::min(kWindow, rows / 3);
    const std::size_t span = std::min(kTrendSteps, rows - window);
    const auto now = trace.recentMean(metric, window);
    const auto before = trace.recentMean(metric, window, span);
    if (!now || !before)
        return;
    const double change = *now - *before;
    const double spread = trace.recentMean("reward_std", window).value_or(std::abs(*before) * 0.2);
    const double noise = std::max(1e-9, 0.1 * spread);
    const bool better = supervised ? change < 0 : change > 0;
    const QString what = supervised ? Texts::tr("loss") : Texts::tr("reward");
    const QString over = Texts::tr("%1 over the last %2 steps").arg(withSign(change)).arg(span);
    if (std::abs(change) <= noise)
        notes.push_back(
            { span < 30 ? Level::good : Level::watch, Texts::tr("Steady: %1 %2").arg(what, over),
                span < 30 ? Texts::tr("too early to say")
                          : Texts::tr("a higher learning rate or harder questions may move it") });
    else if (better)
        notes.push_back({ Level::good, Texts::tr("Learning: %1 %2").arg(what, over), {} });
    else
        notes.push_back({ Level::watch, Texts::tr("Getting worse: %1 %2").arg(what, over),
            Texts::tr("if it goes on, lower the learning rate") });
}

void addGroups(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    const auto share = trace.recentMean("frac_reward_zero_std", kWindow);
    if (!share || trace.rows() == 0)
        return;
    const double reward = trace.recentMean("reward", kWindow).value_or(0);
    const QString finding = Texts::tr("%1 of groups had equal rewards").arg(percent(*share));
    if (*share < 0.2)
        notes.push_back(
            { Level::good, Texts::tr("%1 of groups carry signal").arg(percent(1 - *share)), {} });
    else if (reward > 0.9 && *share < 0.9)
        notes.push_back({ Level::good, finding,
            Texts::tr("most questions are solved; harder ones would teach more") });
    else
        notes.push_back({ *share > 0.8 ? Level::bad : Level::watch, finding,
            Texts::tr("no signal from them; raise temperature or completions a prompt") });
}

void addTruncation(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    const auto cut = trace.recentMean("completions/clipped_ratio", kWindow);
    if (!cut)
        return;
    if (*cut < 0.005)
        notes.push_back({ Level::good, Texts::tr("No completion was cut"), {} });
    else
        notes.push_back({ *cut > 0.3 ? Level::bad
                : *cut > 0.1         ? Level::watch
                                     : Level::good,
            Texts::tr("%1 of completions were cut at the length limit").arg(percent(*cut)),
            *cut > 0.1 ? Texts::tr("raise the completion length, or reward shorter answers")
                       : QString() });
}

void addEntropy(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    const std::vector<double>* entropy = trace.column("entropy");
    const auto now = trace.recentMean("entropy", kWindow);
    if (!entropy || !now)
        return;
    const auto first = std::find_if(
        entropy->begin(), entropy->end(), [](double value) { return std::isfinite(value); });
    if (*now < 0.02 || *now < 0.1 * *first)
        notes.push_back({ Level::watch, Texts::tr("Entropy has fallen to %1").arg(number(*now)),
            Texts::tr(
                "the policy hardly explores any more; raise temperature or clip range (high)") });
    else
        notes.push_back({ Level::good,
            Texts::tr("Entropy %1, %2")
                .arg(number(*now),
                    *now > 1.5 * *first        ? Texts::tr("rising")
                        : *now < 0.67 * *first ? Texts::tr("falling")
                                               : Texts::tr("steady")),
            {} });
}

void addClippingAndKl(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    const bool sequence_level = trace.started() && trace.started()->stage == "gspo";
    const auto clipped = trace.recentMean("clip_ratio/region_mean", kWindow);
    const double much = sequence_level ? 0.7 : 0.3;
    if (clipped && *clipped > much)
        notes.push_back(
            { Level::watch, Texts::tr("%1 of ratios were clipped").arg(percent(*clipped)),
                Texts::tr("little of each batch moves the policy; widen the clip range or lower "
                          "the learning rate") });
    const auto kl = trace.recentMean("kl", kWindow);
    if (kl && *kl > 1)
        notes.push_back({ Level::watch, Texts::tr("KL to the reference is %1").arg(number(*kl)),
            Texts::tr("the policy has moved far; raise beta or lower the learning rate") });
}

void addNonFinite(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    std::size_t bad = 0;
    for (const char* metric : { "loss", "grad_norm" })
        if (const std::vector<double>* values = trace.column(metric))
            bad = std::max(bad,
                static_cast<std::size_t>(std::count_if(values->begin(), values->end(),
                    [](double value) { return !std::isfinite(value); })));
    if (bad > 0)
        notes.push_back({ Level::bad,
            Texts::tr("Steps with a loss or gradient that is not a number: %1").arg(bad),
            Texts::tr("they were skipped; lower the learning rate if it happens again") });
}

void addAccuracy(std::vector<HealthNote>& notes, const RunTrace& trace)
{
    std::vector<double> accuracy;
    for (const EvaluationFinished& evaluation : trace.evaluations())
        if (const auto found = evaluation.metrics.find("eval/accuracy");
            found != evaluation.metrics.end())
            accuracy.push_back(found->second);
    if (accuracy.size() == 1)
        notes.push_back({ Level::good,
            Texts::tr("Held-out accuracy before training: %1").arg(percent(accuracy.front())),
            {} });
    else if (accuracy.size() > 1)
        notes.push_back({ accuracy.back() >= accuracy.front() ? Level::good : Level::watch,
            Texts::tr("Held-out accuracy %1 → %2")
                .arg(percent(accuracy.front()), percent(accuracy.back())),
            {} });
}

} // namespace

std::vector<HealthNote> healthOf(const RunTrace& trace)
{
    std::vector<HealthNote> notes;
    addNonFinite(notes, trace);
    addTrend(notes, trace);
    addAccuracy(notes, trace);
    if (trace.rows() > 0) {
        addGroups(notes, trace);
        addTruncation(notes, trace);
        addEntropy(notes, trace);
        addClippingAndKl(notes, trace);
    }
    std::stable_sort(notes.begin(), notes.end(), [](const HealthNote& a, const HealthNote& b) {
        return a.level == Level::bad && b.level != Level::bad;
    });
    return notes;
}

} // namespace zen::ui
