#include "ui/export/export_page.h"

#include "core/base/durable_file.h"
#include "core/export/bundle.h"
#include "core/export/launch.h"
#include "ui/export/command_line.h"
#include "ui/export/lint_strip.h"
#include "ui/export/notes_list.h"
#include "ui/form/yaml_preview.h"
#include "ui/run/shown_text.h"
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
#include <QSignalBlocker>

#include <algorithm>

namespace zen::ui {

namespace {

enum Form { kAsEdited, kChangedOnly, kEveryField };

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

    layout->addWidget(buildPreview(), 1);

    auto* copy = plainButton(tr("Copy"), QStringLiteral("copy"), this);
    copy->setObjectName(QStringLiteral("exportCopy"));
    connect(copy, &QPushButton::clicked, this, [this] {
        QGuiApplication::clipboard()->setText(exportedText());
        say(tr("Copied to the clipboard."), true);
    });
    m_save = filledButton(tr("Save to a file…"), QStringLiteral("save"), this);
    m_save->setObjectName(QStringLiteral("exportSave"));
    connect(m_save, &QPushButton::clicked, this, &ExportPage::chooseFile);
    m_bundle = plainButton(tr("Save a bundle…"), QStringLiteral("download"), this);
    m_bundle->setObjectName(QStringLiteral("exportBundle"));
    connect(m_bundle, &QPushButton::clicked, this, &ExportPage::chooseBundle);
    setStripActions(actionRow({ copy, m_bundle, m_save }, this));
    connect(m_tool, &QComboBox::currentIndexChanged, this, &ExportPage::startOver);
    connect(m_form, &QComboBox::currentIndexChanged, this, &ExportPage::startOver);
    connect(&m_session, &ConfigSession::settled, this, &ExportPage::followSession);
    connect(&m_session, &ConfigSession::sourceChanged, this, &ExportPage::followSession);
    update();
}

QString ExportPage::exportedText() const
{
    if (m_tool->currentIndex() > 0)
        return QString::fromStdString(m_for_target.document.text());
    switch (m_form->currentIndex()) {
    case kChangedOnly:
        return QString::fromStdString(writeConfig(m_session.config(), false));
    case kEveryField:
        return QString::fromStdString(writeConfig(m_session.config(), true));
    default:
        return m_session.text();
    }
}

const Target* ExportPage::target()
{
    const std::string name = m_tool->currentData().toString().toStdString();
    if (name.empty())
        return nullptr;
    auto found = m_targets.find(name);
    if (found == m_targets.end()) {
        Result<Target> loaded = loadTarget(name);
        if (!loaded) {
            say(QString::fromStdString(loaded.error().message), false);
            const QSignalBlocker quiet(m_tool);
            m_tool->setCurrentIndex(0);
            return nullptr;
        }
        found = m_targets.emplace(name, std::move(*loaded)).first;
    }
    return &found->second;
}

QString ExportPage::fileName()
{
    const Target* tool = target();
    return tool ? exportFileName(m_session.name(), tool->name) : m_session.name();
}

void ExportPage::startOver()
{
    if (!m_work.isBusy())
        say({}, true);
    update();
}

/// Translating, linting and reading what lies beside the file wait until somebody looks.
void ExportPage::followSession()
{
    m_is_stale = true;
    if (isVisible())
        startOver();
}

void ExportPage::refresh()
{
    if (m_is_stale)
        startOver();
    else
        update();
}

void ExportPage::showEvent(QShowEvent* event)
{
    Page::showEvent(event);
    if (m_is_stale)
        startOver();
}

void ExportPage::update()
{
    m_is_stale = false;
    const bool is_own = target() == nullptr;
    m_form_label->setVisible(is_own);
    m_form->setVisible(is_own);
    m_lint->setVisible(!is_own);
    m_notes_card->setVisible(!is_own);
    setEnabledOr(m_bundle, !is_own && !m_work.isBusy(),
        is_own ? tr("Choose another tool: this program finds everything by itself.")
               : tr("A bundle is being written."));
    m_preview_card->setTitle(fileName());
    if (is_own)
        updateOwn();
    else
        updateForTarget();
    updateCommands();
}

void ExportPage::updateOwn()
{
    const std::string text = exportedText().toStdString();
    const YamlDocument document = YamlDocument::fromText(text);
    const bool as_edited = m_form->currentIndex() == kAsEdited;
    m_preview->showDocument(document, as_edited ? m_session.changes() : std::vector<EntryChange>{},
        as_edited ? m_session.diagnostics() : Diagnostics{});
    m_preview_card->setSubtitle(tr("%1 lines").arg(std::count(text.begin(), text.end(), '\n')));
    const ReadConfig read = readConfig(document);
    const std::size_t errors = m_session.count(Severity::error);
    const bool equal = read.config == m_session.config();
    m_check_dot->setColor(errors > 0 || !equal ? &Theme::error : &Theme::accent);
    m_check->setText(errors > 0 ? errors == 1
                ? tr("One finding stops a run; it is marked in the text.")
                : tr("%1 findings stop a run; they are marked in the text.").arg(errors)
            : equal ? tr("Read back, it gives the same configuration.")
                    : tr("Read back, it does not give the same configuration. Save it as edited."));
    setStripMessage(errors > 0 ? tr("It can be saved, and would not run as it is.")
                               : tr("%1, checked by reading it back").arg(m_session.name()));
}

/// The text that this tool was last given: in this session, or as it lies beside the configuration.
std::optional<YamlDocument> ExportPage::previousExport()
{
    const Target* tool = target();
    const auto last = m_last_export.find(tool->name);
    if (last != m_last_export.end())
        return YamlDocument::fromText(last->second.toStdString());
    if (m_session.path().isEmpty())
        return {};
    const QString beside = QFileInfo(m_session.path()).dir().filePath(fileName());
    if (!QFileInfo::exists(beside))
        return {};
    const auto document = YamlDocument::load(beside.toStdString());
    return document ? std::optional<YamlDocument>(*document) : std::nullopt;
}

void ExportPage::updateForTarget()
{
    const Target& tool = *target();
    m_for_target = zen::ui::exportedText(m_session.config(), tool);
    const std::optional<YamlDocument> before = previousExport();
    const std::vector<EntryChange> changes
        = before ? changesBetween(*before, m_for_target.document) : std::vector<EntryChange>{};
    m_preview->showDocument(m_for_target.document, changes, m_for_target.findings);
    QStringList changed;
    for (const EntryChange& change : changes)
        changed += QString::fromStdString(change.key);
    m_preview_card->setSubtitle(!before ? tr("not exported before")
            : changes.empty()
            ? tr("the same as the last export")
            : tr("changed since the last export: %1").arg(changed.join(QStringLiteral(", "))));
    const QString version = tr("%1 of %2")
                                .arg(QString::fromStdString(tool.accepted.version),
                                    QString::fromStdString(tool.accepted.date));
    const QString title = QString::fromStdString(tool.title);
    m_lint->show(m_for_target.findings,
        tr("%1 %2: every key and type is accepted, and the checked rules hold.")
            .arg(title, version));
    const bool is_same = m_for_target.notes.empty();
    m_notes->show(m_for_target.notes);
    m_notes_card->setVisible(!is_same);
    const bool stops = hasErrors(m_for_target.findings) || m_session.count(Severity::error) > 0;
    m_check_dot->setColor(stops ? &Theme::error : is_same ? &Theme::accent : &Theme::warning);
    m_check->setText(m_session.count(Severity::error) > 0
            ? tr("The configuration has findings that stop a run; see Configure.")
            : stops   ? tr("%1 would refuse it; see below the text.").arg(title)
            : is_same ? tr("%1 can express all of it.").arg(title)
                      : tr("Accepted by %1, with differences.").arg(title));
    setStripMessage(tr("%1, checked against %2 %3").arg(fileName(), title, version));
}

void ExportPage::updateCommands()
{
    if (target() != nullptr) {
        updateTargetCommands();
        return;
    }
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
            .arg(shellQuoted(file),
                QString::number(std::max<std::int64_t>(1, batch.per_device_train_batch_size / 2)),
                QString::number(batch.gradient_accumulation_steps)));
}

void ExportPage::updateTargetCommands()
{
    const Target& tool = *target();
    const std::string file = fileName().toStdString();
    const std::vector<LaunchLine> lines = launchLines(
        tool, file, m_session.config().run.deepspeed.empty() ? "ds_z3.json" : std::string());
    m_run_command->setText(foldedCommand(QString::fromStdString(lines[0].command)));
    m_parallel_command->setText(foldedCommand(QString::fromStdString(lines[1].command)));
    const auto changed
        = overrideCommand(m_session.config(), readConfig(m_session.baseline()).config, tool, file);
    m_override_command->setText(foldedCommand(
        QString::fromStdString(changed.value_or(tool.program + " " + shellWord(file)))));
    m_override_note->setVisible(!changed);
    m_override_note->setText(
        tr("These changes cannot be given on its command line; save the file with them."));
}

void ExportPage::chooseFile()
{
    const QString folder
        = m_session.path().isEmpty() ? QDir::currentPath() : QFileInfo(m_session.path()).path();
    const QString path = QFileDialog::getSaveFileName(
        this, tr("Export YAML"), folder + QLatin1Char('/') + fileName(), tr("YAML (*.yaml *.yml)"));
    if (!path.isEmpty())
        exportTo(path);
}

bool ExportPage::exportTo(const QString& path)
{
    if (m_is_stale)
        startOver();
    const std::string text = exportedText().toStdString();
    if (const auto written = writeDurably(path.toStdString(), text); !written) {
        say(QString::fromStdString(written.error().message), false);
        return false;
    }
    const auto document = YamlDocument::load(path.toStdString());
    if (const Target* tool = target()) {
        if (!document || document->text() != text) {
            say(tr("%1 was written, but reads back differently.").arg(path), false);
            return false;
        }
        m_last_export[tool->name] = QString::fromStdString(text);
        update();
        say(tr("Saved to %1 for %2.")
                .arg(QDir::toNativeSeparators(path), QString::fromStdString(tool->title)),
            true);
        return true;
    }
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

void ExportPage::chooseBundle()
{
    const QString folder
        = m_session.path().isEmpty() ? QDir::currentPath() : QFileInfo(m_session.path()).path();
    const QString path = QFileDialog::getSaveFileName(this, tr("A new folder for the bundle"),
        folder + QLatin1Char('/') + QFileInfo(fileName()).completeBaseName());
    if (!path.isEmpty())
        bundleTo(path);
}

void ExportPage::bundleTo(const QString& folder)
{
    const Target* tool = target();
    if (!tool)
        return;
    if (QFileInfo::exists(folder)) {
        say(tr("%1 exists already; choose a new folder.").arg(folder), false);
        return;
    }
    say(tr("Writing the bundle…"), true);
    const auto work
        = [config = m_session.config(), copy = *tool, name = fileName().toStdString(),
              path = folder.toStdString()](const std::stop_token&) -> Result<std::size_t> {
        const Result<Bundle> bundle = makeBundle(config, copy, name);
        if (!bundle)
            return tl::unexpected(bundle.error());
        if (const auto written = writeBundle(*bundle, path); !written)
            return tl::unexpected(written.error());
        return bundle->files.size();
    };
    m_work.start(work, [this, folder](const Result<std::size_t>& files) {
        update();
        if (!files) {
            say(QString::fromStdString(files.error().message), false);
            return;
        }
        say(tr("%1 files in %2; README.md there has the commands.")
                .arg(*files)
                .arg(QDir::toNativeSeparators(folder)),
            true);
        Q_EMIT bundled(folder);
    });
    update();
}

void ExportPage::say(const QString& words, bool good)
{
    m_result->setTone(good ? Tone::accent : Tone::error);
    m_result->setText(good ? words : sentence(words));
}

} // namespace zen::ui
