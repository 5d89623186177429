#include "ui/data/data_page.h"

#include "ui/data/row_model.h"
#include "ui/rewards/reward_bench.h"
#include "ui/run/shown_text.h"
#include "ui/run/table_cell.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/empty_state.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/text_view.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLocale>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QTableView>
#include <QVBoxLayout>

namespace zen::ui {

namespace {

constexpr int kGap = 12;

QTableView* rowTable(RowModel* model, QWidget* parent)
{
    auto* table = new QTableView(parent);
    table->setObjectName(QStringLiteral("dataRows"));
    table->setAccessibleName(DataPage::tr("Rows of the dataset"));
    table->setModel(model);
    table->setItemDelegate(new TableCell(table));
    table->setFrameShape(QFrame::NoFrame);
    table->setShowGrid(false);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setSelectionMode(QAbstractItemView::SingleSelection);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    table->setWordWrap(false);
    table->setTabKeyNavigation(false);
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(34);
    QHeaderView* header = table->horizontalHeader();
    header->setHighlightSections(false);
    header->setMinimumSectionSize(40);
    header->setSectionResizeMode(QHeaderView::Fixed);
    header->setSectionResizeMode(RowModel::Prompt, QHeaderView::Stretch);
    header->resizeSection(RowModel::Number, 54);
    header->resizeSection(RowModel::Answer, 110);
    header->resizeSection(RowModel::Tokens, 76);
    table->viewport()->setAutoFillBackground(false);
    return table;
}

/// The row as messages: role, then text; the reference response last.
QString asMessages(const Example& example)
{
    QString text;
    const auto add = [&text](const QString& role, const std::string& content) {
        text += role + QLatin1Char('\n') + shownText(content) + QStringLiteral("\n\n");
    };
    for (const Message& message : example.prompt)
        add(shownLine(message.role, 40), message.content);
    if (!example.response.empty())
        add(DataPage::tr("assistant (reference)"), example.response);
    const auto answer = example.columns.find("answer");
    if (answer != example.columns.end() && answer->second != example.response)
        add(DataPage::tr("answer"), answer->second);
    return text.trimmed();
}

QString lengthText(const QString& what, const LengthSummary& lengths)
{
    return DataPage::tr("%1 tokens %2 to %3, median %4, 95 % below %5")
        .arg(what)
        .arg(static_cast<qint64>(lengths.smallest))
        .arg(static_cast<qint64>(lengths.largest))
        .arg(static_cast<qint64>(lengths.median))
        .arg(static_cast<qint64>(lengths.p95));
}

} // namespace

DataPage::DataPage(std::function<TrainingConfig()> config, QWidget* parent)
    : Page(PageId::data, tr("Data"), QStringLiteral("data"), parent)
    , m_get_config(std::move(config))
    , m_stack(new QStackedWidget(this))
{
    setObjectName(QStringLiteral("dataPage"));
    m_empty = new EmptyState(QStringLiteral("data"), tr("No dataset yet"),
        tr("Name a dataset in the configuration: a JSON or JSONL file, or an entry of "
           "dataset_info.json."),
        this);
    auto* configure = filledButton(tr("Open Configure"), QStringLiteral("configure"), this);
    connect(configure, &QPushButton::clicked, this, &DataPage::configureRequested);
    m_empty->addAction(configure);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(buildContent());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(18, 16, 18, 12);
    layout->addWidget(m_stack);
    setStripMessage(tr("The rows that the configuration names, and what its rewards say of them"));
}

DataPage::~DataPage() = default;

QWidget* DataPage::buildContent()
{
    auto* content = new QWidget(this);
    auto* title = new PlainLabel(tr("Data"), content);
    title->setType(19, QFont::DemiBold);
    m_facts = new PlainLabel({}, content);
    m_facts->setType(11)->setTone(Tone::muted)->setElided();
    m_facts->setObjectName(QStringLiteral("dataFacts"));
    m_lengths = new PlainLabel({}, content);
    m_lengths->setType(11)->setTone(Tone::muted)->setElided();
    m_lengths->setObjectName(QStringLiteral("dataLengths"));

    m_problem_card = new Card(content);
    m_problem = new PlainLabel({}, m_problem_card);
    m_problem->setTone(Tone::error)->setWordWrap(true);
    m_problem->setObjectName(QStringLiteral("dataProblem"));
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problem_card->body()->setContentsMargins(14, 8, 14, 8);
    m_problem_card->body()->addWidget(m_problem);

    auto* table_card = new Card(content);
    m_rows = new RowModel(this);
    m_table = rowTable(m_rows, table_card);
    table_card->body()->setContentsMargins(6, 2, 6, 6);
    table_card->body()->addWidget(m_table);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
        [this](const QModelIndex& current) { showRow(current.row()); });

    m_row_card = new Card(tr("Row"), content);
    m_row = new TextView(m_row_card);
    m_row->setObjectName(QStringLiteral("dataRow"));
    m_row->setAccessibleName(tr("The chosen row as messages"));
    m_row_card->body()->setContentsMargins(2, 0, 2, 6);
    m_row_card->body()->addWidget(m_row);
    m_bench = new RewardBench(content);

    auto* right = new QSplitter(Qt::Vertical, content);
    right->setHandleWidth(kGap);
    right->setChildrenCollapsible(false);
    right->addWidget(m_row_card);
    right->addWidget(m_bench);
    right->setSizes({ 300, 320 });
    auto* halves = new QSplitter(Qt::Horizontal, content);
    halves->setHandleWidth(kGap);
    halves->setChildrenCollapsible(false);
    halves->addWidget(table_card);
    halves->addWidget(right);
    halves->setSizes({ 640, 510 });

    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(title);
    layout->addWidget(m_facts);
    layout->addWidget(m_lengths);
    layout->addSpacing(6);
    layout->addWidget(m_problem_card);
    layout->addWidget(halves, 1);
    return content;
}

void DataPage::refresh()
{
    TrainingConfig config = m_get_config();
    if (m_loaded && config == m_config)
        return;
    m_config = std::move(config);
    m_bench->setRewards(m_config.algorithm.rewards);
    m_bench->setVisible(m_config.algorithm.stage != Stage::sft);
    if (m_config.data.dataset.empty()) {
        m_stack->setCurrentIndex(0);
        return;
    }
    m_facts->setText(tr("Reading the dataset…"));
    m_stack->setCurrentIndex(1);
    m_work.start([read = m_config](std::stop_token stop) { return summarizeData(read, stop); },
        [this](DataSummary summary) { present(std::move(summary)); });
}

QString DataPage::factsOf(const DataSummary& summary) const
{
    const QLocale locale;
    QStringList facts;
    facts << tr("%1 rows to train on")
                 .arg(locale.toString(static_cast<qulonglong>(summary.training_rows)));
    if (summary.held_out_rows > 0)
        facts << tr("%1 held out")
                     .arg(locale.toString(static_cast<qulonglong>(summary.held_out_rows)));
    for (const DataSummary::File& file : summary.files)
        facts << shownLine(file.path, 120);
    return facts.join(QStringLiteral(" · "));
}

void DataPage::present(DataSummary summary)
{
    m_loaded = true;
    m_summary = std::move(summary);
    QStringList problems;
    if (!m_summary.problem.empty())
        problems << shownLine(m_summary.problem, 600);
    for (const DataSummary::File& file : m_summary.files)
        if (!file.problem.empty())
            problems << shownLine(file.problem, 600);
    m_problem->setText(problems.join(QLatin1Char('\n')));
    m_problem_card->setVisible(!problems.isEmpty());
    m_facts->setText(factsOf(m_summary));
    QStringList lengths;
    if (m_summary.prompt_lengths)
        lengths << lengthText(tr("prompt"), *m_summary.prompt_lengths);
    if (m_summary.response_lengths)
        lengths << lengthText(tr("reference"), *m_summary.response_lengths);
    if (m_summary.too_long > 0)
        lengths << tr("prompts that do not fit in cutoff_len: %1")
                       .arg(static_cast<qint64>(m_summary.too_long));
    if (!m_summary.tokenizer)
        lengths << tr("token lengths appear once the model's tokenizer is on this machine");
    m_lengths->setText(lengths.join(QStringLiteral(" · ")));
    m_bench->setTokenizer(m_summary.tokenizer);
    m_rows->setRows(m_summary.rows, m_summary.prompt_tokens);
    if (m_rows->rowCount() > 0)
        m_table->setCurrentIndex(m_rows->index(0, 0));
    else
        showRow(-1);
    Q_EMIT loaded();
}

void DataPage::showRow(int row)
{
    if (row < 0 || row >= m_rows->rowCount()) {
        m_row_card->setSubtitle({});
        m_row->showText({});
        m_bench->setRow({});
        return;
    }
    const Example& example = m_rows->example(row);
    m_row_card->setSubtitle(shownLine(example.source, 200));
    m_row->showText(asMessages(example));
    m_bench->setRow(example.columns);
}

} // namespace zen::ui
