#include "ui/export/export_page.h"
#include "ui/export/lint_strip.h"
#include "ui/export/notes_list.h"
#include "ui/form/yaml_preview.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QComboBox>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QScrollArea>

namespace zen::ui {

namespace {

constexpr int kLeftWidth = 460;

} // namespace

QWidget* ExportPage::buildLeftSide()
{
    auto* side = new QWidget(this);
    side->setMaximumWidth(kLeftWidth);
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

    layout->addWidget(buildFileCard());
    layout->addWidget(buildNotesCard());
    layout->addWidget(buildCommandCard());
    m_result = new PlainLabel({}, side);
    m_result->setObjectName(QStringLiteral("exportResult"));
    m_result->setWordWrap(true);
    layout->addWidget(m_result);
    layout->addStretch();
    auto* scroll = new QScrollArea(this);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFixedWidth(kLeftWidth + 14);
    scroll->setWidget(side);
    side->setAutoFillBackground(false);
    scroll->viewport()->setAutoFillBackground(false);
    return scroll;
}

QWidget* ExportPage::buildFileCard()
{
    auto* file = new Card(tr("File"), this);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(12);
    grid->setVerticalSpacing(8);
    grid->setColumnStretch(1, 1);
    m_tool = new QComboBox(file);
    m_tool->setObjectName(QStringLiteral("exportTarget"));
    m_tool->setAccessibleName(tr("The tool that the file is for"));
    m_tool->addItem(tr("Zen Studio (this program)"), QString());
    for (const auto& [name, title] :
        { std::pair("gym", "zenlm/gym"), { "llamafactory", "LLaMA-Factory" },
            { "axolotl", "axolotl, zooai/gym" }, { "trl", "TRL (trl grpo)" } })
        m_tool->addItem(QLatin1String(title), QLatin1String(name));
    m_form_label = new PlainLabel(tr("Written"), file);
    m_form = new QComboBox(file);
    m_form->setObjectName(QStringLiteral("exportForm"));
    m_form->setAccessibleName(tr("How the YAML is written"));
    m_form->addItems({ tr("As edited, with its comments"),
        tr("Anew, only what differs from the defaults"), tr("Anew, every field") });
    auto* tool_label = new PlainLabel(tr("For"), file);
    tool_label->setMinimumWidth(m_form_label->sizeHint().width());
    grid->addWidget(tool_label, 0, 0);
    grid->addWidget(m_tool, 0, 1);
    grid->addWidget(m_form_label, 1, 0);
    grid->addWidget(m_form, 1, 1);
    file->body()->addLayout(grid);
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
    return file;
}

QWidget* ExportPage::buildNotesCard()
{
    m_notes_card = new Card(tr("What is different there"), this);
    m_notes = new NotesList(m_notes_card);
    m_notes->setObjectName(QStringLiteral("exportNotes"));
    m_notes_card->body()->addWidget(m_notes);
    return m_notes_card;
}

QWidget* ExportPage::buildPreview()
{
    m_preview_card = new Card(this);
    m_preview_card->setFill(&Theme::sunken);
    m_preview_card->setTitleRule(true);
    m_preview_card->body()->setContentsMargins(0, 0, 2, 4);
    m_preview_card->body()->setSpacing(0);
    m_preview = new YamlPreview(m_preview_card);
    m_preview->setObjectName(QStringLiteral("exportPreview"));
    m_preview_card->body()->addWidget(m_preview, 1);
    m_lint = new LintStrip(m_preview_card);
    m_preview_card->body()->addWidget(m_lint);
    connect(m_lint, &LintStrip::lineChosen, m_preview, &YamlPreview::showLine);
    return m_preview_card;
}

QWidget* ExportPage::buildCommandCard()
{
    auto* card = new Card(tr("Command line"), this);
    card->body()->setSpacing(6);
    m_run_command = addCommand(
        card->body(), tr("Save it, then run it in a terminal"), QStringLiteral("commandRun"));
    m_override_command
        = addCommand(card->body(), tr("The same from the unchanged file, with what was changed"),
            QStringLiteral("commandOverrides"));
    m_override_note = new PlainLabel({}, card);
    m_override_note->setType(11)->setTone(Tone::muted);
    m_override_note->setWordWrap(true);
    card->body()->addWidget(m_override_note);
    m_parallel_command = addCommand(card->body(),
        tr("On several GPUs, where the tool is installed"), QStringLiteral("commandParallel"));
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
    head->addSpacing(-kLinkPadding); // the words end where the box does
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

} // namespace zen::ui
