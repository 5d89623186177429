// ModelExportDialog: what stands where.
#include "core/runs/run_folder.h"
#include "ui/export/model_export_dialog.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QComboBox>
#include <QDesktopServices>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QProgressBar>
#include <QStandardItemModel>
#include <QUrl>

namespace zen::ui {

namespace {

constexpr int kBarSteps = 1000;

bool isFile(const std::filesystem::path& path)
{
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
}

PlainLabel* paragraph(QWidget* parent)
{
    auto* label = new PlainLabel({}, parent);
    label->setType(11)->setTone(Tone::muted)->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    return label;
}

} // namespace

ModelExportDialog::ModelExportDialog(
    const std::filesystem::path& run_folder, WriteModel write, QWidget* parent)
    : QDialog(parent)
    , m_run_folder(run_folder)
    , m_has_adapter(isFile(RunFolder{ run_folder }.adapter() / "adapter_config.json"))
    , m_work(std::move(write))
{
    setObjectName(QStringLiteral("modelExportDialog"));
    setWindowTitle(tr("Export the model of %1")
                       .arg(shownLine(run_folder.lexically_normal().filename().string(), 60)));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(12);
    auto* heading = new PlainLabel(windowTitle(), this);
    heading->setType(15, QFont::DemiBold)->setElided(Qt::ElideMiddle);
    layout->addWidget(heading);
    layout->addWidget(buildChoices());
    layout->addWidget(buildCommand());
    layout->addWidget(buildProgress());
    layout->addStretch();
    layout->addWidget(buildButtons());
    connect(m_format, &QComboBox::currentIndexChanged, this, &ModelExportDialog::formatChosen);
    connect(m_numbers, &QComboBox::currentIndexChanged, this, &ModelExportDialog::proposePlace);
    connect(m_place, &QLineEdit::textChanged, this, [this] {
        m_work.forget();
        refresh();
    });
    connect(&m_work, &ModelExport::changed, this, &ModelExportDialog::showState);
    formatChosen();
    showState();
    fitHeight();
}

QWidget* ModelExportDialog::buildChoices()
{
    m_choices = new QWidget(this);
    auto* grid = new QGridLayout(m_choices);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(12);
    grid->setVerticalSpacing(8);
    grid->setColumnStretch(1, 1);
    const auto addRow = [&](int row, const QString& name, QWidget* control) {
        auto* label = new PlainLabel(name, m_choices);
        label->setBuddy(control);
        control->setAccessibleName(name);
        grid->addWidget(label, row, 0);
        return label;
    };
    m_format = new QComboBox(m_choices);
    m_format->setObjectName(QStringLiteral("modelFormat"));
    m_format->addItem(tr("Merged model, Hugging Face folder"), QStringLiteral("merged"));
    m_format->addItem(tr("GGUF for llama.cpp, LM Studio, Ollama"), QStringLiteral("gguf"));
    m_format->addItem(tr("Adapter alone (PEFT)"), QStringLiteral("peft"));
    if (!m_has_adapter) {
        auto* item = static_cast<QStandardItemModel*>(m_format->model())->item(2);
        item->setEnabled(false);
        item->setToolTip(tr("All weights were trained; there is no adapter."));
    }
    addRow(0, tr("Format"), m_format);
    grid->addWidget(m_format, 0, 1, 1, 2);
    m_about = paragraph(m_choices);
    grid->addWidget(m_about, 1, 1, 1, 2);
    m_numbers = new QComboBox(m_choices);
    m_numbers->setObjectName(QStringLiteral("modelNumbers"));
    addRow(2, tr("Number type"), m_numbers);
    grid->addWidget(m_numbers, 2, 1, 1, 2);
    m_place = new QLineEdit(m_choices);
    m_place->setObjectName(QStringLiteral("modelPlace"));
    addRow(3, tr("New folder"), m_place);
    grid->addWidget(m_place, 3, 1);
    auto* choose = plainButton(tr("Choose…"), {}, m_choices);
    choose->setObjectName(QStringLiteral("chooseModelPlace"));
    connect(choose, &QPushButton::clicked, this, &ModelExportDialog::choosePlace);
    grid->addWidget(choose, 3, 2);
    return m_choices;
}

QWidget* ModelExportDialog::buildCommand()
{
    auto* card = new Card(this);
    card->setFill(&Theme::sunken);
    card->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    card->body()->setContentsMargins(14, 6, 6, 6);
    auto* row = new QHBoxLayout;
    m_command = new PlainLabel({}, card);
    m_command->setObjectName(QStringLiteral("modelCommand"));
    m_command->setType(11)->setMono()->setElided(Qt::ElideMiddle);
    m_command->setTextInteractionFlags(Qt::TextSelectableByMouse);
    row->addWidget(m_command, 1);
    auto* copy = linkButton(tr("Copy"), card);
    copy->setFixedHeight(24);
    copy->setToolTip(tr("The same from a terminal"));
    connect(copy, &QPushButton::clicked, this,
        [this] { QGuiApplication::clipboard()->setText(m_command->text()); });
    row->addWidget(copy);
    card->body()->addLayout(row);
    return card;
}

QWidget* ModelExportDialog::buildProgress()
{
    m_progress = new QWidget(this);
    auto* layout = new QVBoxLayout(m_progress);
    layout->setContentsMargins(0, 4, 0, 0);
    layout->setSpacing(6);
    m_words = new PlainLabel({}, m_progress);
    m_words->setObjectName(QStringLiteral("modelExportWords"));
    m_words->setType(13, QFont::DemiBold);
    m_bar = new QProgressBar(m_progress);
    m_bar->setObjectName(QStringLiteral("modelExportBar"));
    m_bar->setTextVisible(false);
    m_bar->setRange(0, kBarSteps);
    m_bar->setFixedHeight(6);
    m_bar->setAccessibleName(tr("Progress of the export"));
    m_detail = paragraph(m_progress);
    m_detail->setObjectName(QStringLiteral("modelExportDetail"));
    layout->addWidget(m_words);
    layout->addWidget(m_bar);
    layout->addWidget(m_detail);
    return m_progress;
}

QWidget* ModelExportDialog::buildButtons()
{
    auto* buttons = new QWidget(this);
    auto* row = new QHBoxLayout(buttons);
    row->setContentsMargins(0, 4, 0, 0);
    row->setSpacing(10);
    row->addStretch();
    m_close = plainButton(tr("Close"), {}, buttons);
    m_close->setObjectName(QStringLiteral("closeModelExport"));
    m_cancel = plainButton(tr("Cancel"), {}, buttons);
    m_cancel->setObjectName(QStringLiteral("cancelModelExport"));
    m_export = filledButton(tr("Export"), QStringLiteral("export"), buttons);
    m_export->setObjectName(QStringLiteral("startModelExport"));
    m_open = filledButton(tr("Open folder"), QStringLiteral("open"), buttons);
    m_open->setObjectName(QStringLiteral("openModelFolder"));
    for (QPushButton* button : { m_close, m_cancel, m_export, m_open })
        row->addWidget(button);
    connect(m_close, &QPushButton::clicked, this, &ModelExportDialog::reject);
    connect(m_cancel, &QPushButton::clicked, &m_work, &ModelExport::stop);
    connect(m_export, &QPushButton::clicked, this, [this] { m_work.start(options()); });
    connect(m_open, &QPushButton::clicked, this, [this] {
        QDesktopServices::openUrl(
            QUrl::fromLocalFile(QString::fromStdString(m_work.written().folder.string())));
    });
    return buttons;
}

} // namespace zen::ui
