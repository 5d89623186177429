#include "ui/tiers/tiers_page.h"

#include "core/base/byte_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/empty_state.h"
#include "ui/shell/plain_label.h"
#include "ui/tiers/fetch_row.h"
#include "ui/tiers/tier_table.h"
#include "ui/tiers/weights_dialog.h"

#include <QGridLayout>
#include <QLocale>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace zen::ui {

namespace {

QString shown(const std::string& value)
{
    return QString::fromStdString(value);
}

QString describeMachine(const Machine& machine)
{
    const double gigabytes = static_cast<double>(machine.memory_total_bytes) / 1e9;
    return TiersPage::tr("This machine: %1, %2 GB of memory, %3.")
        .arg(machine.cores == 1 ? TiersPage::tr("1 core")
                                : TiersPage::tr("%1 cores").arg(machine.cores),
            QLocale().toString(std::round(gigabytes)),
            machine.has_bf16_instructions ? TiersPage::tr("bf16 arithmetic")
                                          : TiersPage::tr("no bf16 arithmetic"));
}

} // namespace

TiersPage::TiersPage(const Catalogue& catalogue, QWidget* parent)
    : Page(PageId::tiers, tr("Tiers"), QStringLiteral("tiers"), parent)
    , m_catalogue(catalogue)
{
    setObjectName(QStringLiteral("tiersPage"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(30, 20, 30, 14);
    layout->setSpacing(6);
    auto* title = new PlainLabel(tr("Choose a tier"), this);
    title->setType(24, QFont::DemiBold);
    layout->addWidget(title);
    m_machine = new PlainLabel(tr("Start small, scale when the reward curve says so. %1")
                                   .arg(describeMachine(catalogue.machine)),
        this);
    m_machine->setTone(Tone::muted)->setElided();
    layout->addWidget(m_machine);
    if (!catalogue.user_problem.isEmpty()) {
        auto* left_out = new PlainLabel(
            tr("Your own tiers are left out: %1").arg(catalogue.user_problem), this);
        left_out->setObjectName(QStringLiteral("userTiersProblem"));
        left_out->setTone(Tone::warning)->setWordWrap(true);
        layout->addWidget(left_out);
    }
    layout->addSpacing(10);
    if (catalogue.tiers.empty()) {
        auto* empty = new EmptyState(QStringLiteral("tiers"),
            tr("The catalogue of tiers could not be read"),
            catalogue.problem.isEmpty()
                ? tr("It belongs in the resources folder beside the program.")
                : catalogue.problem,
            this);
        auto* open = plainButton(tr("Open a configuration…"), QStringLiteral("open"), empty);
        connect(open, &QPushButton::clicked, this, &TiersPage::folderWanted);
        empty->addAction(open);
        layout->addWidget(empty, 1);
        return;
    }
    buildTable(layout);
}

void TiersPage::buildTable(QVBoxLayout* layout)
{
    auto* card = new Card(this);
    card->body()->setContentsMargins(1, 4, 1, 4);
    m_model = new TierModel(m_catalogue.tiers, this);
    m_table = new TierTable(*m_model, card);
    card->body()->addWidget(m_table);
    card->setMaximumHeight(m_table->contentHeight() + 12);
    layout->addWidget(card);
    auto* footnote = new PlainLabel(
        tr("¹ Published by Zoo Labs Foundation; not measured here. Memory is the published figure "
           "for training with LoRA; the plan below is computed for this machine."),
        this);
    footnote->setType(11)->setTone(Tone::muted)->setElided();
    layout->addSpacing(4);
    layout->addWidget(footnote);
    layout->addSpacing(6);
    m_detail = buildDetail();
    layout->addWidget(m_detail);
    layout->addStretch(1);

    m_get_weights = plainButton(tr("Get weights…"), {}, this);
    m_get_weights->setObjectName(QStringLiteral("getWeightsButton"));
    m_configure = filledButton(tr("Configure ›"), {}, this);
    m_configure->setObjectName(QStringLiteral("configureButton"));
    setStripActions(actionRow({ m_get_weights, m_configure }, this));
    connect(m_get_weights, &QPushButton::clicked, this, &TiersPage::offerWeights);
    connect(m_configure, &QPushButton::clicked, this, [this] {
        if (const Tier* tier = currentTier())
            Q_EMIT tierOpened(*tier);
    });
    connect(m_table, &TierTable::rowChosen, this, &TiersPage::showTier);
    connect(m_table, &TierTable::rowActivated, this,
        [this](int row) { Q_EMIT tierOpened(m_model->tier(row)); });
    m_table->selectRow(0);
    connect(&m_fetch, &WeightsFetch::changed, this, [this] {
        if (m_fetch.state() == WeightsFetch::State::done)
            refresh();
    });
}

Card* TiersPage::buildDetail()
{
    auto* card = new Card(QString(), this);
    card->setObjectName(QStringLiteral("tierDetail"));
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(16);
    grid->setVerticalSpacing(4);
    const auto addRow = [&](int row, const QString& name) {
        auto* label = new PlainLabel(name, card);
        label->setType(11)->setTone(Tone::muted);
        auto* value = new PlainLabel({}, card);
        value->setType(11)->setElided();
        grid->addWidget(label, row, 0);
        grid->addWidget(value, row, 1);
        return value;
    };
    m_uses = addRow(0, tr("Use cases"));
    m_settings = addRow(1, tr("Starts with"));
    m_plan = addRow(2, tr("Plan here"));
    m_note = addRow(3, tr("Note"));
    grid->setColumnStretch(1, 1);
    grid->setRowStretch(4, 1);
    auto* columns = new QHBoxLayout;
    columns->setSpacing(28);
    columns->addLayout(grid, 3);
    columns->addWidget(new FetchRow(m_fetch, card), 2);
    card->body()->addLayout(columns);
    return card;
}

void TiersPage::refresh()
{
    if (!m_model)
        return;
    std::vector<TierFit> fits;
    for (const Tier& tier : m_catalogue.tiers)
        fits.push_back(fitTier(tier, m_catalogue));
    m_model->setFits(std::move(fits));
    showTier(std::max(0, m_table->currentRow()));
}

const Tier* TiersPage::currentTier() const
{
    return m_table && m_table->currentRow() >= 0 ? &m_model->tier(m_table->currentRow()) : nullptr;
}

void TiersPage::selectTier(const std::string& id)
{
    for (int row = 0; m_model && row < m_model->rowCount(); ++row)
        if (m_model->tier(row).id == id)
            m_table->selectRow(row);
}

void TiersPage::showTier(int row)
{
    const Tier& tier = m_model->tier(row);
    const TierFit* fit = m_model->fit(row);
    m_detail->setTitle(shown(tier.title));
    m_detail->setSubtitle(shown(tier.model_id));
    QStringList uses;
    for (const std::string& use : tier.use_cases)
        uses += shown(use);
    m_uses->setText(uses.join(QStringLiteral(" · ")));
    m_settings->setText(tr("%1 · LoRA rank %2 · context %3 tokens · batch %4")
                            .arg(shown(tier.algorithm).toUpper(), QString::number(tier.lora_rank),
                                QString::number(tier.context), QString::number(tier.batch)));
    QString note = shown(tier.note);
    if (!tier.substitute_id.empty())
        note = tr("%1 is not published; %2 is the nearest checkpoint. ")
                   .arg(shown(tier.model_id), shown(tier.substitute_id))
            + note;
    m_note->setText(note.isEmpty() ? QStringLiteral("–") : note);
    if (!fit)
        return;
    QString plan = tr("at most %1 as configured · this machine has %2")
                       .arg(shown(formatBytes(fit->plan.peak())),
                           shown(formatBytes(m_catalogue.machine.memory_total_bytes)));
    if (!fit->proposals.empty())
        plan += tr(" · fits with: %1, %2")
                    .arg(shown(fit->proposals.front().fix.label),
                        shown(formatBytes(fit->proposals.front().peak)));
    m_plan->setText(plan);
    setStripMessage(
        tr("%1 selected · configs/%2 · %3")
            .arg(shown(tier.title), shown(tier.config_file),
                fit->weights ? tr("weights on this machine") : tr("weights not on this machine")));
    m_get_weights->setVisible(!fit->weights);
}

void TiersPage::offerWeights()
{
    const int row = m_table->currentRow();
    const TierFit* fit = row >= 0 ? m_model->fit(row) : nullptr;
    if (!fit)
        return;
    auto* dialog = new WeightsDialog(m_model->tier(row), fit->weights_help, m_fetch, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        m_fetch.start({ dialog->repository().toStdString(), "main", {}, {} });
    });
    connect(dialog, &QDialog::rejected, this, &TiersPage::refresh);
    dialog->open();
}

} // namespace zen::ui
