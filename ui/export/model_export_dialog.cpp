#include "ui/export/model_export_dialog.h"

#include "core/plan/memory_plan.h"
#include "core/runs/run_folder.h"
#include "ui/export/command_line.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QComboBox>
#include <QDesktopServices>
#include <QDir>
#include <QEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QGuiApplication>
#include <QLineEdit>
#include <QProgressBar>
#include <QStandardItemModel>
#include <QUrl>

#include <cmath>

namespace zen::ui {

namespace {

constexpr int kBarSteps = 1000;
constexpr int kWidth = 600;

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

QString about(const QString& format)
{
    if (format == QLatin1String("gguf"))
        return ModelExportDialog::tr(
            "One .gguf file with the adapter folded in, and a Modelfile for Ollama.");
    if (format == QLatin1String("peft"))
        return ModelExportDialog::tr("The adapter alone, as it was trained: small, and loaded on "
                                     "top of the model that it was trained on.");
    return ModelExportDialog::tr("The whole model with the adapter folded in: safetensors, "
                                 "tokenizer and configuration, for transformers, vLLM and others.");
}

/// `folder`, or with -2, -3 … if that exists.
QString unused(const QString& folder)
{
    QString name = folder;
    for (int number = 2; QFileInfo::exists(name); ++number)
        name = QStringLiteral("%1-%2").arg(folder).arg(number);
    return name;
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
    m_format->addItem(tr("PEFT adapter"), QStringLiteral("peft"));
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

WeightExportOptions ModelExportDialog::options() const
{
    WeightExportOptions chosen;
    chosen.source = m_run_folder.string();
    chosen.target = weightTargetNamed(m_format->currentData().toString().toStdString())
                        .value_or(WeightTarget::merged);
    chosen.dtype = m_numbers->currentData().toString().toStdString();
    chosen.output = m_place->text().trimmed().toStdString();
    return chosen;
}

void ModelExportDialog::formatChosen()
{
    const QString format = m_format->currentData().toString();
    const bool is_adapter = format == QLatin1String("peft");
    m_about->setText(about(format));
    m_numbers->clear();
    m_numbers->addItem(tr("As stored"), QString());
    if (!is_adapter)
        for (const char* type : { "f32", "f16", "bf16" })
            m_numbers->addItem(QLatin1String(type), QLatin1String(type));
    if (format == QLatin1String("gguf"))
        m_numbers->addItem(tr("q8_0, about half of bf16"), QStringLiteral("q8_0"));
    setEnabledOr(m_numbers, !is_adapter, tr("An adapter is copied as it is."));
    proposePlace();
}

void ModelExportDialog::proposePlace()
{
    m_work.forget(); // what was said belongs to another choice
    if (m_place->isModified()) { // somebody named it
        refresh();
        return;
    }
    WeightExportOptions chosen = options();
    chosen.output.clear();
    m_place->setText(unused(QString::fromStdString(defaultOutput(chosen).string())));
    m_place->setCursorPosition(static_cast<int>(m_place->text().size()));
    refresh();
}

void ModelExportDialog::choosePlace()
{
    const QString folder
        = QFileDialog::getSaveFileName(this, tr("A new folder for the model"), m_place->text());
    if (folder.isEmpty())
        return;
    m_place->setText(QDir::toNativeSeparators(folder));
    m_place->setModified(true);
}

QString ModelExportDialog::whyNot() const
{
    const QString place = m_place->text().trimmed();
    if (place.isEmpty())
        return tr("Name a folder first.");
    return QFileInfo::exists(place) ? tr("%1 exists already; name a new folder.").arg(place)
                                    : QString();
}

void ModelExportDialog::refresh()
{
    const WeightExportOptions chosen = options();
    QString command = QStringLiteral("gym export --to %1 %2")
                          .arg(m_format->currentData().toString(),
                              shellQuoted(QString::fromStdString(chosen.source)));
    if (!chosen.dtype.empty())
        command += QStringLiteral(" --dtype ") + QString::fromStdString(chosen.dtype);
    command += QStringLiteral(" -o ") + shellQuoted(QString::fromStdString(chosen.output.string()));
    m_command->setText(command);
    const QString reason = whyNot();
    setEnabledOr(m_export, reason.isEmpty(), reason);
    if (m_work.state() != ModelExport::State::idle)
        return;
    m_progress->setVisible(!reason.isEmpty());
    m_words->hide();
    m_bar->hide();
    m_detail->setTone(Tone::warning);
    m_detail->setText(reason);
}

void ModelExportDialog::showState()
{
    using State = ModelExport::State;
    const State state = m_work.state();
    const bool active = m_work.isActive();
    m_choices->setEnabled(!active);
    m_cancel->setVisible(active);
    m_close->setVisible(!active);
    m_export->setVisible(!active && state != State::done);
    m_open->setVisible(state == State::done);
    setEnabledOr(m_cancel, state == State::writing, tr("It is being cancelled."),
        tr("Stop here; nothing is left behind"));
    (state == State::done ? m_open : m_export)->setDefault(true);
    if (state == State::idle) {
        refresh();
        return;
    }
    m_progress->show();
    m_words->show();
    m_bar->setVisible(active);
    m_bar->setValue(static_cast<int>(std::lround(m_work.fraction() * kBarSteps)));
    m_words->setTone(state == State::failed ? Tone::error : Tone::ink);
    m_detail->setTone(Tone::muted);
    const QString folder = m_place->text();
    switch (state) {
    case State::idle:
        break;
    case State::writing:
        m_words->setText(tr("Writing"));
        m_detail->setText(tr("%1 % · %2").arg(std::floor(m_work.fraction() * 100)).arg(folder));
        break;
    case State::stopping:
        m_words->setText(tr("Cancelling"));
        break;
    case State::done: {
        QStringList names;
        for (const std::string& name : m_work.written().files)
            names += shownLine(name);
        m_words->setText(
            tr("Written: %1").arg(QString::fromStdString(formatBytes(m_work.written().bytes))));
        m_detail->setText(tr("%1\n%2").arg(
            shownLine(m_work.written().folder.string(), 400), names.join(QStringLiteral(" · "))));
        break;
    }
    case State::stopped:
        m_words->setText(tr("Cancelled"));
        m_detail->setText(tr("Nothing was written."));
        break;
    case State::failed:
        m_words->setText(tr("Nothing was written"));
        m_detail->setText(sentence(shownText(m_work.message().toStdString())));
        break;
    }
}

/// As high as its text needs: labels that wrap do not tell a window by themselves.
void ModelExportDialog::fitHeight()
{
    const int width = std::max(kWidth, this->width());
    setMinimumSize(kWidth, layout()->totalHeightForWidth(width));
    resize(width, minimumHeight());
}

bool ModelExportDialog::event(QEvent* event)
{
    const bool known = QDialog::event(event);
    if (event->type() == QEvent::LayoutRequest)
        fitHeight();
    return known;
}

void ModelExportDialog::reject()
{
    if (m_work.isActive())
        m_work.stop();
    else
        QDialog::reject();
}

} // namespace zen::ui
