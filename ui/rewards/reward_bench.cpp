#include "ui/rewards/reward_bench.h"

#include "ui/run/shown_text.h"
#include "ui/shell/plain_label.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QPlainTextEdit>
#include <QVBoxLayout>

#include <chrono>
#include <cmath>

namespace zen::ui {

namespace {

constexpr std::chrono::milliseconds kTypingPause{ 200 };
constexpr qsizetype kLongestCompletion = 256 * 1024;

QString number(double value)
{
    return QString::number(value, 'f', 2).replace(QLatin1Char('-'), QStringLiteral("−"));
}

} // namespace

RewardBench::RewardBench(QWidget* parent)
    : Card(tr("Reward bench"), parent)
    , m_text(new QPlainTextEdit(this))
    , m_truncated(new QCheckBox(tr("cut at the length limit"), this))
    , m_answer(new PlainLabel({}, this))
    , m_problem(new PlainLabel({}, this))
    , m_total(new PlainLabel({}, this))
    , m_grid(new QGridLayout)
{
    setObjectName(QStringLiteral("rewardBench"));
    setSubtitle(tr("paste a completion and see what it would earn"));
    m_text->setObjectName(QStringLiteral("benchCompletion"));
    m_text->setAccessibleName(tr("A completion to score"));
    m_text->setPlaceholderText(tr("<think>2 × 6 = 12; 17 + 12 = 29</think> \\boxed{29}"));
    m_text->setTabChangesFocus(true);
    m_text->document()->setDocumentMargin(8);
    m_text->viewport()->setAutoFillBackground(false);
    m_truncated->setObjectName(QStringLiteral("benchTruncated"));
    m_answer->setType(11)->setTone(Tone::muted)->setElided();
    m_problem->setType(11)->setTone(Tone::error)->setWordWrap(true);
    m_problem->setObjectName(QStringLiteral("benchProblem"));
    m_total->setType(19, QFont::DemiBold)->setMono();
    m_total->setObjectName(QStringLiteral("benchTotal"));
    m_grid->setHorizontalSpacing(18);
    m_grid->setVerticalSpacing(4);
    m_grid->setColumnStretch(0, 1);
    auto* under = new QHBoxLayout;
    under->addWidget(m_answer, 1);
    under->addWidget(m_truncated);
    body()->addWidget(m_text, 1);
    body()->addLayout(under);
    body()->addWidget(m_problem);
    body()->addLayout(m_grid);
    addTitleWidget(m_total);
    m_problem->hide();
    m_timer.setSingleShot(true);
    m_timer.setInterval(kTypingPause);
    connect(&m_timer, &QTimer::timeout, this, &RewardBench::score);
    connect(m_text, &QPlainTextEdit::textChanged, &m_timer, qOverload<>(&QTimer::start));
    connect(m_truncated, &QCheckBox::toggled, this, &RewardBench::score);
    setRow({});
}

void RewardBench::setRewards(const std::vector<RewardTermSpec>& specs)
{
    m_rubric.reset();
    auto rubric = Rubric::build(specs);
    QStringList problems;
    if (rubric)
        m_rubric = std::move(*rubric);
    else
        for (const Diagnostic& diagnostic : rubric.error())
            problems << shownLine(toText(diagnostic), 300);
    m_problem->setText(problems.join(QLatin1Char('\n')));
    m_problem->setVisible(!problems.isEmpty());
    score();
}

void RewardBench::setRow(const std::map<std::string, std::string>& columns)
{
    m_columns = columns;
    const auto answer = columns.find("answer");
    m_answer->setText(answer == columns.end()
            ? tr("No row chosen: terms that need an answer stay unscored")
            : tr("expected answer %1").arg(shownLine(answer->second, 100)));
    score();
}

void RewardBench::setTokenizer(std::optional<Tokenizer> tokenizer)
{
    m_tokenizer = std::move(tokenizer);
    score();
}

void RewardBench::setCompletion(const QString& text)
{
    m_text->setPlainText(displayText(text));
}

QString RewardBench::totalText() const
{
    return m_total->text();
}

void RewardBench::score()
{
    m_total->clear();
    const QString text = m_text->toPlainText().left(kLongestCompletion);
    if (!m_rubric) {
        hideLinesFrom(0);
        return;
    }
    const std::string completion = text.toStdString();
    std::vector<TokenId> ids;
    if (m_tokenizer)
        ids = m_tokenizer->encode(completion);
    RewardInput input;
    input.completion = completion;
    input.completion_ids = ids;
    input.truncated = m_truncated->isChecked();
    input.columns = &m_columns;
    const RewardScores scores = m_rubric->score(input);
    for (std::size_t i = 0; i < m_rubric->names().size(); ++i) {
        const auto& term = scores.terms[i];
        showLine(i, shownLine(m_rubric->names()[i], 60),
            text.isEmpty() ? QStringLiteral("–")
                : term     ? number(*term)
                           : tr("unscored"),
            tr("× %1").arg(m_rubric->weights()[i]));
    }
    hideLinesFrom(m_rubric->names().size());
    if (!text.isEmpty())
        m_total->setText(scores.total ? number(*scores.total) : tr("unscored"));
}

void RewardBench::showLine(
    std::size_t index, const QString& name, const QString& score, const QString& weight)
{
    while (m_lines.size() <= index) {
        Line line{ new PlainLabel({}, this), new PlainLabel({}, this), new PlainLabel({}, this) };
        line.name->setElided();
        line.score->setMono();
        line.score->setObjectName(QStringLiteral("benchScore"));
        line.weight->setMono()->setTone(Tone::muted);
        const int row = static_cast<int>(m_lines.size());
        m_grid->addWidget(line.name, row, 0);
        m_grid->addWidget(line.score, row, 1, Qt::AlignRight);
        m_grid->addWidget(line.weight, row, 2, Qt::AlignRight);
        m_lines.push_back(line);
    }
    const Line& line = m_lines[index];
    line.name->setText(name);
    line.score->setText(score);
    line.weight->setText(weight);
    for (PlainLabel* label : { line.name, line.score, line.weight })
        label->show();
}

void RewardBench::hideLinesFrom(std::size_t index)
{
    for (; index < m_lines.size(); ++index)
        for (PlainLabel* label :
            { m_lines[index].name, m_lines[index].score, m_lines[index].weight })
            label->hide();
}

} // namespace zen::ui
