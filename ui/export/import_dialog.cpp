#include "ui/export/import_dialog.h"

#include "ui/export/notes_list.h"
#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QScrollArea>
#include <QVBoxLayout>

namespace zen::ui {

namespace {

/// What became of the keys that are not taken as they stand, by fate.
struct Report {
    int taken = 0;
    Diagnostics renamed, refused, comments;
};

Report reportOf(const ImportedConfig& imported)
{
    Report report;
    for (const ForeignKey& key : imported.keys) {
        report.taken += key.fate == KeyFate::taken;
        Diagnostic note;
        note.key = key.key + " · line " + std::to_string(key.line);
        switch (key.fate) {
        case KeyFate::taken:
            note.message = "here " + key.own;
            if (key.key != key.own)
                report.renamed.push_back(note);
            break;
        case KeyFate::refused:
            note.message = key.why;
            report.refused.push_back(note);
            break;
        case KeyFate::unknown:
            note.message = "unknown to the tool itself: " + key.why;
            report.comments.push_back(note);
            break;
        case KeyFate::without_effect:
            note.message = "no effect: " + key.why;
            report.comments.push_back(note);
            break;
        }
    }
    return report;
}

} // namespace

ImportDialog::ImportDialog(
    const QString& file_name, const ImportedConfig& imported, const Target& target, QWidget* parent)
    : QDialog(parent)
{
    setObjectName(QStringLiteral("importDialog"));
    setWindowTitle(tr("A file for %1").arg(QString::fromStdString(target.title)));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(12);
    auto* title = new PlainLabel(windowTitle(), this);
    title->setType(15, QFont::DemiBold);
    layout->addWidget(title);
    const Report report = reportOf(imported);
    auto* words = new PlainLabel(
        tr("%1 opens as a new configuration; the file itself stays as it is. %2 of its %3 keys are "
           "settings here.")
            .arg(file_name, QString::number(report.taken), QString::number(imported.keys.size())),
        this);
    words->setObjectName(QStringLiteral("importWords"));
    words->setTone(Tone::muted);
    words->setWordWrap(true);
    layout->addWidget(words);

    auto* card = new Card(this);
    card->body()->setContentsMargins(0, 2, 2, 2);
    auto* scroll = new QScrollArea(card);
    scroll->setObjectName(QStringLiteral("importReport"));
    scroll->setAccessibleName(tr("What became of each key"));
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* content = new QWidget(scroll);
    m_sections = new QVBoxLayout(content);
    m_sections->setContentsMargins(14, 12, 14, 12);
    m_sections->setSpacing(6);
    m_text = title->text() + QLatin1Char('\n');
    addSection(tr("Not taken: the value cannot be used"), report.refused);
    addSection(tr("Kept as comments"), report.comments);
    addSection(tr("Under another name"), report.renamed);
    addSection(tr("What %1 itself would say of it").arg(QString::fromStdString(target.title)),
        imported.findings);
    if (m_sections->count() == 0)
        m_sections->addWidget(new PlainLabel(tr("Every key is taken as it stands."), content));
    m_sections->addStretch();
    scroll->setWidget(content);
    content->setAutoFillBackground(false);
    scroll->viewport()->setAutoFillBackground(false);
    card->body()->addWidget(scroll);
    layout->addWidget(card, 1);

    auto* buttons = new QHBoxLayout;
    buttons->addStretch();
    auto* cancel = plainButton(tr("Cancel"), {}, this);
    cancel->setObjectName(QStringLiteral("importCancel"));
    auto* open = filledButton(tr("Open as a configuration"), {}, this);
    open->setObjectName(QStringLiteral("importOpen"));
    open->setDefault(true);
    buttons->addWidget(cancel);
    buttons->addWidget(open);
    layout->addLayout(buttons);
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    connect(open, &QPushButton::clicked, this, &QDialog::accept);
    resize(720, 520);
}

void ImportDialog::addSection(const QString& title, const Diagnostics& notes)
{
    if (notes.empty())
        return;
    if (m_sections->count() > 0)
        m_sections->addSpacing(10);
    auto* heading = new PlainLabel(title);
    heading->setType(13, QFont::DemiBold);
    m_sections->addWidget(heading);
    auto* list = new NotesList;
    list->show(notes);
    m_sections->addWidget(list);
    m_text += title + QLatin1Char('\n') + list->text();
}

std::optional<ForeignFile> readForeignFile(const QString& path)
{
    const auto document = YamlDocument::load(path.toStdString());
    auto targets = loadTargets();
    if (!document || !targets || hasErrors(document->check()) || document->entries().empty())
        return {};
    const int index = recognise(*document, *targets).target;
    if (index < 0)
        return {};
    ForeignFile file;
    file.target = std::move((*targets)[static_cast<std::size_t>(index)]);
    file.imported
        = importConfig(*document, file.target, QFileInfo(path).absolutePath().toStdString());
    return file;
}

} // namespace zen::ui
