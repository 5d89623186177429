#include "ui/export/export_page.h"

#include "core/base/durable_file.h"
#include "ui/export/command_line.h"
#include "ui/form/yaml_preview.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QComboBox>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHBoxLayout>

namespace zen::ui {

namespace {

enum Form { kAsEdited, kChangedOnly, kEveryField };
constexpr int kLeftWidth = 460;

} // namespace

ExportPage::ExportPage(ConfigSession& session, const Catalogue& catalogue, QWidget* parent)
    : Page(PageId::export_config, tr("Export"), QStringLiteral("export"), parent)
    , m_session(session)
    , m_catalogue(catalogue)
{
    setObjectName(QStringLiteral("exportPage"));
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(18, 14, 18, 12);
    layout->setSpacing(16);
    layout->addWidget(buildLeftSide());

    m_preview_card = new Card(this);
    m_preview_card->setFill(&Theme::sunken);
    m_preview_card->setTitleRule(true);
    m_preview_card->body()->setContentsMargins(0, 0, 2, 4);
    m_preview = new YamlPreview(m_preview_card);
    m_preview->setObjectName(QStringLiteral("exportPreview"));
    m_preview_card->body()->addWidget(m_preview);
    layout->addWidget(m_preview_card, 1);

    auto* copy = plainButton(tr("Copy"), QStringLiteral("copy"), this);
    copy->setObjectName(QStringLiteral("exportCopy"));
    connect(copy, &QPushButton::clicked, this, [this] {
        QGuiApplication::clipboard()->setText(exportedText());
        say(tr("Copied to the clipboard."), true);
    });
    m_save = filledButton(tr("Save to a file…"), QStringLiteral("save"), this);
    m_save->setObjectName(QStringLiteral("exportSave"));
    connect(m_save, &QPushButton::clicked, this, &ExportPage::chooseFile);
    setStripActions(actionRow({ copy, m_save }, this));
    connect(m_form, &QComboBox::currentIndexChanged, this, &ExportPage::update);
    connect(&m_session, &ConfigSession::settled, this, &ExportPage::update);
    connect(&m_session, &ConfigSession::sourceChanged, this, &ExportPage::update);
    update();
}

QWidget* ExportPage::buildLeftSide()
{
    auto* side = new QWidget(this);
    side->setFixedWidth(kLeftWidth);
    auto* layout = new QVBoxLayout(side);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    auto* title = new PlainLabel(tr("Export"), side);
    title->setType(19, QFont::DemiBold);
    layout->addWidget(title);
    auto* words = new PlainLabel(
        tr("Take the configuration elsewhere: as a file, or as the command that runs it."), side);
    words->setTone(Tone::muted);
    words->setWordWrap(true);
    layout->addWidget(words);

    auto* file = new Card(tr("YAML"), side);
    auto* row = new QHBoxLayout;
    auto* label = new PlainLabel(tr("Written"), file);
    m_form = new QComboBox(file);
    m_form->setObjectName(QStringLiteral("exportForm"));
    m_form->setAccessibleName(tr("How the YAML is written"));
    m_form->addItems({ tr("As edited, with its comments"),
        tr("Anew, only what differs from the defaults"), tr("Anew, every field") });
    row->addWidget(label);
    row->addWidget(m_form, 1);
    file->body()->addLayout(row);
    auto* check_row = new QHBoxLayout;
    check_row->setSpacing(8);
    m_check_dot = new Dot(&Theme::accent, file);
    m_check = new PlainLabel({}, file);
    m_check->setObjectName(QStringLiteral("exportCheck"));
    m_check->setType(11)->setTone(Tone::muted);
    m_check->setWordWrap(true);
    check_row->addWidget(m_check_dot);
    check_row->addWidget(m_check, 1);
    file->body()->addLayout(check_row);
    layout->addWidget(file);
    layout->addWidget(buildCommandCard());
    m_result = new PlainLabel({}, side);
    m_result->setObjectName(QStringLiteral("exportResult"));
    m_result->setWordWrap(true);
    layout->addWidget(m_result);
    layout->addStretch();
    return side;
}

QWidget* ExportPage::buildCommandCard()
{
    auto* card = new Card(tr("Command line"), this);
    card->body()->setSpacing(6);
    m_run_command = addCommand(
        card->body(), tr("Save it, then run it in a terminal"), QStringLiteral("commandRun"));
    m_override_command
        = addCommand(card->body(), tr("The same from the shipped file, with what was changed"),
            QStringLiteral("commandOverrides"));
    m_override_note = new PlainLabel({}, card);
    m_override_note->setType(11)->setTone(Tone::muted);
    m_override_note->setWordWrap(true);
    card->body()->addWidget(m_override_note);
    m_parallel_command = addCommand(card->body(), tr("On several GPUs, where gym is installed"),
        QStringLiteral("commandParallel"));
    return card;
}

PlainLabel* ExportPage::addCommand(
    QVBoxLayout* layout, const QString& title, const QString& object_name)
{
    auto* head = new QHBoxLayout;
    auto* name = new PlainLabel(title, this);
    name->setType(11)->setTone(Tone::muted);
    auto* copy = linkButton(tr("Copy"), this);
    copy->setFixedHeight(22);
    copy->setAccessibleName(tr("Copy: %1").arg(title));
    head->addWidget(name, 1);
    head->addWidget(copy);
    layout->addLayout(head);
    auto* box = new Card(this);
    box->setFill(&Theme::sunken);
    box->body()->setContentsMargins(10, 8, 10, 8);
    auto* command = new PlainLabel({}, box);
    command->setObjectName(object_name);
    command->setAccessibleName(title);
    command->setType(11)->setMono();
    command->setWordWrap(true);
    command->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    box->body()->addWidget(command);
    layout->addWidget(box);
    connect(copy, &QPushButton::clicked, this, [this, command] {
        QGuiApplication::clipboard()->setText(command->text());
        say(tr("Copied to the clipboard."), true);
    });
    return command;
}

QString ExportPage::exportedText() const
{
    switch (m_form->currentIndex()) {
    case kChangedOnly:
        return QString::fromStdString(writeConfig(m_session.config(), false));
    case kEveryField:
        return QString::fromStdString(writeConfig(m_session.config(), true));
    default:
        return m_session.text();
    }
}

void ExportPage::update()
{
    const std::string text = exportedText().toStdString();
    const YamlDocument document = YamlDocument::fromText(text);
    const bool as_edited = m_form->currentIndex() == kAsEdited;
    m_preview->showDocument(document, as_edited ? m_session.changes() : std::vector<EntryChange>{},
        as_edited ? m_session.diagnostics() : Diagnostics{});
    m_preview_card->setTitle(m_session.name());
    m_preview_card->setSubtitle(tr("%1 lines").arg(std::count(text.begin(), text.end(), '\n')));
    const ReadConfig read = readConfig(document);
    const std::size_t errors = m_session.count(Severity::error);
    const bool equal = read.config == m_session.config();
    m_check_dot->setColor(errors > 0 || !equal ? &Theme::error : &Theme::accent);
    m_check->setText(errors > 0
            ? tr("It has %1 findings that stop a run; they are marked in the text.").arg(errors)
            : equal ? tr("Read back, it gives the same configuration.")
                    : tr("Read back, it does not give the same configuration. Save it as edited."));
    setStripMessage(errors > 0 ? tr("It can be saved, and would not run as it is.")
                               : tr("%1, checked by reading it back").arg(m_session.name()));
    updateCommands();
}

void ExportPage::updateCommands()
{
    const QString shipped = QString::fromStdString(m_catalogue.config_folder.filename().string());
    const bool from_shipped = m_session.path().isEmpty();
    const QString file = from_shipped ? QStringLiteral("%1/%2").arg(shipped, m_session.name())
                                      : QDir::current().relativeFilePath(m_session.path());
    const bool as_shipped = from_shipped && m_session.changes().empty();
    m_run_command->setText(
        QStringLiteral("./studio train %1")
            .arg(shellQuoted(from_shipped && !as_shipped ? m_session.name() : file)));

    QString base_file = file;
    TrainingConfig base = readConfig(m_session.baseline()).config;
    if (const auto tier = tierOf(m_session.config(), m_catalogue.tiers); tier && !from_shipped) {
        if (const auto document
            = YamlDocument::load(m_catalogue.config_folder / tier->config_file)) {
            base = readConfig(*document).config;
            base_file
                = QStringLiteral("%1/%2").arg(shipped, QString::fromStdString(tier->config_file));
        }
    }
    const auto arguments = argumentsFor(m_session.config(), base);
    const QString words = arguments.value_or(QString());
    m_override_command->setText(words.isEmpty()
            ? QStringLiteral("gym train %1").arg(shellQuoted(base_file))
            : QStringLiteral("gym train %1 \\\n  %2").arg(shellQuoted(base_file), words));
    m_override_note->setVisible(!arguments);
    m_override_note->setText(tr("Rewards and fields set back to their default cannot be given on a "
                                "command line; use the file."));
    const BatchSection& batch = m_session.config().batch;
    m_parallel_command->setText(
        QStringLiteral("CUDA_VISIBLE_DEVICES=0,1 gym train \\\n  %1 \\\n"
                       "  --deepspeed configs/deepspeed/ds_z3_config.json \\\n"
                       "  --per_device_train_batch_size %2 \\\n"
                       "  --gradient_accumulation_steps %3")
            .arg(shellQuoted(file))
            .arg(std::max<std::int64_t>(1, batch.per_device_train_batch_size / 2))
            .arg(batch.gradient_accumulation_steps));
}

void ExportPage::chooseFile()
{
    const QString folder
        = m_session.path().isEmpty() ? QDir::currentPath() : QFileInfo(m_session.path()).path();
    const QString path = QFileDialog::getSaveFileName(this, tr("Export YAML"),
        folder + QLatin1Char('/') + m_session.name(), tr("YAML (*.yaml *.yml)"));
    if (!path.isEmpty())
        exportTo(path);
}

bool ExportPage::exportTo(const QString& path)
{
    const std::string text = exportedText().toStdString();
    if (const auto written = writeDurably(path.toStdString(), text); !written) {
        say(QString::fromStdString(written.error().message), false);
        return false;
    }
    const auto document = YamlDocument::load(path.toStdString());
    if (!document || readConfig(*document).config != m_session.config()) {
        say(tr("%1 was written, but reads back differently.").arg(path), false);
        return false;
    }
    say(tr("Saved to %1; read back, it gives the same configuration.")
            .arg(QDir::toNativeSeparators(path)),
        true);
    Q_EMIT exported(path);
    return true;
}

void ExportPage::say(const QString& words, bool good)
{
    m_result->setTone(good ? Tone::accent : Tone::error);
    m_result->setText(words);
}

} // namespace zen::ui
