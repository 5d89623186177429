#include "ui/form/problems_dialog.h"

#include "ui/shell/button.h"
#include "ui/shell/card.h"
#include "ui/shell/plain_label.h"

#include <QHBoxLayout>
#include <QScrollArea>

#include <algorithm>

namespace zen::ui {

bool onlyMemoryIsShort(const Diagnostics& problems)
{
    return hasErrors(problems) && std::ranges::all_of(problems, [](const Diagnostic& problem) {
        return problem.severity != Severity::error || problem.key == "force_memory";
    });
}

ProblemsDialog::ProblemsDialog(const Diagnostics& problems, QWidget* parent)
    : QDialog(parent)
{
    setObjectName(QStringLiteral("problemsDialog"));
    const bool insists = onlyMemoryIsShort(problems);
    const bool blocked = hasErrors(problems) && !insists;
    setWindowTitle(blocked ? tr("This cannot start yet")
            : insists      ? tr("This does not fit into memory")
                           : tr("Before it starts"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(14);
    auto* title = new PlainLabel(windowTitle(), this);
    title->setType(15, QFont::DemiBold);
    layout->addWidget(title);

    auto* list = new QWidget(this);
    auto* rows = new QVBoxLayout(list);
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(12);
    for (const Diagnostic& problem : problems)
        if (problem.severity != Severity::advice)
            rows->addWidget(rowFor(problem));
    rows->addStretch();
    auto* scroll = new QScrollArea(this);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidget(list);
    list->setAutoFillBackground(false);
    scroll->viewport()->setAutoFillBackground(false);
    layout->addWidget(scroll, 1);

    auto* buttons = new QHBoxLayout;
    buttons->addStretch();
    auto* back = blocked || insists ? filledButton(tr("Back"), {}, this)
                                    : plainButton(tr("Back"), {}, this);
    back->setObjectName(QStringLiteral("problemsBack"));
    connect(back, &QPushButton::clicked, this, &QDialog::reject);
    buttons->addWidget(back);
    if (!blocked) {
        auto* start = insists ? plainButton(tr("Start anyway"), {}, this)
                              : filledButton(tr("Start anyway"), {}, this);
        start->setObjectName(QStringLiteral("problemsStart"));
        connect(start, &QPushButton::clicked, this, &QDialog::accept);
        buttons->addWidget(start);
    }
    layout->addLayout(buttons);
    resize(620, std::min(520, 150 + static_cast<int>(problems.size()) * 90));
}

QWidget* ProblemsDialog::rowFor(const Diagnostic& problem)
{
    auto* row = new QWidget(this);
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(10);
    auto* dot = new Dot(problem.severity == Severity::error ? &Theme::error : &Theme::warning, row);
    layout->addWidget(dot, 0, Qt::AlignTop);
    auto* text = new PlainLabel(QString::fromStdString(problem.message), row);
    text->setWordWrap(true);
    text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    layout->addWidget(text, 1);
    if (problem.fix) {
        auto* fix = plainButton(QString::fromStdString(problem.fix->label), {}, row);
        connect(fix, &QPushButton::clicked, this, [this, accepted = *problem.fix] {
            Q_EMIT fixAccepted(accepted);
            reject();
        });
        layout->addWidget(fix, 0, Qt::AlignTop);
    }
    if (!problem.key.empty()) {
        auto* jump = linkButton(QString::fromStdString(problem.key), row);
        jump->setToolTip(tr("Go to the field"));
        connect(
            jump, &QPushButton::clicked, this, [this, key = QString::fromStdString(problem.key)] {
                reject();
                Q_EMIT jumpRequested(key);
            });
        layout->addWidget(jump, 0, Qt::AlignTop);
    }
    return row;
}

} // namespace zen::ui
