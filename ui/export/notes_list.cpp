#include "ui/export/notes_list.h"

#include "ui/run/shown_text.h"
#include "ui/shell/plain_label.h"

#include <QVBoxLayout>

namespace zen::ui {

NotesList::NotesList(QWidget* parent)
    : QWidget(parent)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
}

void NotesList::show(const Diagnostics& notes)
{
    delete m_body;
    m_body = new QWidget(this);
    layout()->addWidget(m_body);
    auto* rows = new QVBoxLayout(m_body);
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(0);
    m_text.clear();
    for (const Diagnostic& note : notes) {
        const QString key = shownLine(note.key), words = shownText(note.message);
        m_text += key + QStringLiteral(": ") + words + QLatin1Char('\n');
        if (rows->count() > 0)
            rows->addSpacing(6);
        auto* name = new PlainLabel(key, m_body);
        name->setType(11)->setMono()->setElided(Qt::ElideMiddle);
        const bool is_not = words.startsWith(QLatin1String("is not ")); // reads on from the key
        auto* what = new PlainLabel(sentence(is_not ? words.mid(3) : words), m_body);
        what->setType(11)->setTone(Tone::muted)->setWordWrap(true);
        for (PlainLabel* label : { name, what }) {
            label->setTextInteractionFlags(
                Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
            rows->addWidget(label);
        }
    }
}

} // namespace zen::ui
