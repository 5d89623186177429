#include "ui/export/import_dialog.h"

#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/text_view.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QVBoxLayout>

namespace zen::ui {

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
    auto* words = new PlainLabel(
        tr("%1 opens as a new configuration. The file itself stays as it is.").arg(file_name),
        this);
    words->setTone(Tone::muted);
    words->setWordWrap(true);
    layout->addWidget(words);

    auto* card = new Card(this);
    card->setFill(&Theme::sunken);
    card->body()->setContentsMargins(4, 4, 4, 4);
    auto* report = new TextView(card);
    report->setObjectName(QStringLiteral("importReport"));
    report->setAccessibleName(tr("What became of each key"));
    report->showText(QString::fromStdString(importReport(imported, target)));
    card->body()->addWidget(report);
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
