#include "ui/shell/ask.h"

#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"

#include <QCoreApplication>
#include <QDialog>
#include <QHBoxLayout>

namespace zen::ui {

int ask(QWidget* parent, const QString& title, const QString& text,
    std::initializer_list<QString> answers)
{
    QDialog dialog(parent);
    dialog.setObjectName(QStringLiteral("askDialog"));
    dialog.setWindowTitle(title);
    auto* layout = new QVBoxLayout(&dialog);
    layout->setContentsMargins(20, 18, 20, 16);
    layout->setSpacing(10);
    auto* heading = new PlainLabel(title, &dialog);
    heading->setType(15, QFont::DemiBold);
    heading->setWordWrap(true);
    layout->addWidget(heading);
    auto* words = new PlainLabel(displayText(text), &dialog);
    words->setWordWrap(true);
    words->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    layout->addWidget(words);
    layout->addSpacing(6);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(10);
    buttons->addStretch();
    int chosen = -1;
    int index = 0;
    const int last = static_cast<int>(answers.size()) - 1;
    for (const QString& answer : answers) {
        QPushButton* button
            = index == last ? filledButton(answer, {}, &dialog) : plainButton(answer, {}, &dialog);
        button->setObjectName(QStringLiteral("answer_%1").arg(index));
        QObject::connect(button, &QPushButton::clicked, &dialog, [&dialog, &chosen, index] {
            chosen = index;
            dialog.accept();
        });
        if (index == last) {
            button->setDefault(true);
            button->setFocus();
        }
        buttons->addWidget(button);
        ++index;
    }
    layout->addLayout(buttons);
    dialog.setMinimumWidth(460);
    dialog.setMaximumWidth(680);
    dialog.exec();
    return chosen;
}

void tell(QWidget* parent, const QString& title, const QString& text)
{
    ask(parent, title, text, { QCoreApplication::translate("Ask", "Close") });
}

} // namespace zen::ui
