#include "ui/tiers/weights_dialog.h"

#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>

namespace zen::ui {

WeightsDialog::WeightsDialog(const Tier& tier, const QString& help, QWidget* parent)
    : QDialog(parent)
{
    setObjectName(QStringLiteral("weightsDialog"));
    const QString title = QString::fromStdString(tier.title);
    const QString id
        = QString::fromStdString(tier.substitute_id.empty() ? tier.model_id : tier.substitute_id);
    const QString command
        = QStringLiteral("huggingface-cli download %1 --local-dir models/%1").arg(id);
    setWindowTitle(tr("Weights of %1").arg(title));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(12);
    auto* heading = new PlainLabel(windowTitle(), this);
    heading->setType(15, QFont::DemiBold);
    layout->addWidget(heading);
    auto* words = new PlainLabel(help, this);
    words->setWordWrap(true);
    words->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    layout->addWidget(words);
    if (!tier.shape_assumed) {
        auto* card = new Card(this);
        card->setFill(&Theme::sunken);
        auto* row = new QHBoxLayout;
        auto* line = new PlainLabel(command, card);
        line->setMono();
        line->setTextInteractionFlags(Qt::TextSelectableByMouse);
        row->addWidget(line, 1);
        auto* copy = linkButton(tr("Copy"), card);
        connect(copy, &QPushButton::clicked, this,
            [command] { QGuiApplication::clipboard()->setText(command); });
        row->addWidget(copy);
        card->body()->addLayout(row);
        layout->addWidget(card);
    }
    layout->addStretch();
    auto* buttons = new QHBoxLayout;
    buttons->addStretch();
    auto* close = filledButton(tr("Close"), {}, this);
    connect(close, &QPushButton::clicked, this, &QDialog::accept);
    buttons->addWidget(close);
    layout->addLayout(buttons);
    setMinimumWidth(560);
}

} // namespace zen::ui
