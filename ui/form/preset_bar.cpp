#include "ui/form/preset_bar.h"

#include "ui/form/config_form.h"
#include "ui/form/config_session.h"
#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/studio_style.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QUndoStack>

#include <algorithm>

namespace zen::ui {

PresetButton::PresetButton(const Preset& preset, QWidget* parent)
    : QAbstractButton(parent)
    , m_summary(QString::fromStdString(preset.summary))
{
    setText(QString::fromStdString(preset.title));
    setObjectName(QStringLiteral("preset_") + QString::fromStdString(preset.name));
    setAccessibleName(text());
    setAccessibleDescription(m_summary);
    setCheckable(true);
    setCursor(Qt::PointingHandCursor);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_Hover);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

QSize PresetButton::sizeHint() const
{
    return { 110, Theme::of(*this).scaled(52) };
}

QSize PresetButton::minimumSizeHint() const
{
    return { 72, sizeHint().height() };
}

void PresetButton::paintEvent(QPaintEvent*)
{
    const Theme& theme = Theme::of(*this);
    QPainter painter(this);
    const QColor border = isChecked() ? theme.accent : underMouse() ? theme.muted : theme.line;
    paintRounded(painter, rect(), 7, isChecked() ? theme.accent_tint : theme.panel, border);
    if (hasFocus())
        paintFocusRing(painter, rect(), 7, theme);
    const QFont title = theme.text(13, isChecked() ? QFont::DemiBold : QFont::Normal);
    painter.setFont(title);
    painter.setPen(isChecked() ? theme.accent_text : theme.ink);
    const int inside = width() - 12;
    const QFont small = theme.text(11);
    const bool two_lines = QFontMetrics(small).horizontalAdvance(m_summary) > inside;
    const int title_height = theme.scaled(18);
    const int summary_height = theme.scaled(two_lines ? 26 : 15);
    const int top = (height() - title_height - summary_height) / 2;
    painter.drawText(QRect(6, top, inside, title_height), Qt::AlignCenter,
        QFontMetrics(title).elidedText(text(), Qt::ElideRight, inside));
    painter.setFont(small);
    painter.setPen(isChecked() ? theme.muted_on_tint : theme.muted);
    painter.drawText(QRect(6, top + title_height, inside, summary_height),
        Qt::AlignCenter | Qt::TextWordWrap, m_summary);
}

PresetBar::PresetBar(ConfigSession& session, std::vector<Preset> presets, QWidget* parent)
    : Card(parent)
    , m_session(session)
    , m_presets(std::move(presets))
{
    m_kinds = new QHBoxLayout;
    m_kinds->setSpacing(16);
    m_buttons.resize(m_presets.size());
    addKind(PresetKind::hardware, tr("Hardware"));
    addKind(PresetKind::task, tr("Task"));
    body()->addLayout(m_kinds);

    m_note = new QWidget(this);
    m_note->setObjectName(QStringLiteral("presetNote"));
    auto* note_row = new QHBoxLayout(m_note);
    note_row->setContentsMargins(0, 2, 0, 0);
    m_note_text = new PlainLabel({}, m_note);
    m_note_text->setObjectName(QStringLiteral("presetNoteText"));
    m_note_text->setType(11)->setTone(Tone::muted);
    m_note_text->setWordWrap(true);
    auto* undo = linkButton(tr("Undo"), m_note);
    undo->setObjectName(QStringLiteral("presetUndo"));
    undo->setFixedHeight(24);
    connect(undo, &QPushButton::clicked, this, [this] { m_session.undoStack().undo(); });
    note_row->addWidget(m_note_text, 1);
    note_row->addWidget(undo, 0, Qt::AlignTop);
    body()->addWidget(m_note);
    m_note->hide();

    connect(&m_session, &ConfigSession::changed, this, &PresetBar::refresh);
    connect(&m_session.undoStack(), &QUndoStack::indexChanged, this, &PresetBar::refresh);
    refresh();
}

void PresetBar::resizeEvent(QResizeEvent* event)
{
    Card::resizeEvent(event);
    const bool is_narrow = width() < kNarrowForm;
    m_kinds->setDirection(is_narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
    m_kinds->setSpacing(is_narrow ? 10 : 16);
}

void PresetBar::addKind(PresetKind kind, const QString& title)
{
    auto* column = new QVBoxLayout;
    column->setSpacing(6);
    auto* label = new PlainLabel(title, this);
    label->setType(11)->setTone(Tone::muted);
    column->addWidget(label);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(6);
    int count = 0;
    for (std::size_t index = 0; index < m_presets.size(); ++index) {
        if (m_presets[index].kind != kind)
            continue;
        auto* button = new PresetButton(m_presets[index], this);
        m_buttons[index] = button;
        connect(button, &QAbstractButton::clicked, this,
            [this, index] { applyPreset(m_presets[index]); });
        buttons->addWidget(button);
        ++count;
    }
    column->addLayout(buttons);
    if (count == 0)
        label->hide();
    m_kinds->addLayout(column, std::max(1, count));
}

void PresetBar::applyPreset(const Preset& preset)
{
    const auto changes = changesOf(preset, m_session.document());
    const QString title = QString::fromStdString(preset.title);
    if (changes.empty()) {
        refresh();
        return;
    }
    if (const auto done = m_session.apply(title, preset.edits); !done) {
        m_note_undo_text.clear();
        m_note_text->setText(QString::fromStdString(done.error().message));
        m_note->show();
        return;
    }
    m_note_undo_text = title;
    m_note_text->setText(tr("%1 changed %2").arg(title, describeChanges(changes)));
    m_note->show();
    Q_EMIT applied(title);
}

void PresetBar::refresh()
{
    for (std::size_t index = 0; index < m_presets.size(); ++index) {
        const auto changes = changesOf(m_presets[index], m_session.document());
        m_buttons[index]->setChecked(changes.empty() && !m_presets[index].edits.empty());
        m_buttons[index]->setToolTip(
            plainToolTip(changes.empty() ? tr("Everything it says is so.")
                                         : tr("Would change %1").arg(describeChanges(changes))));
    }
    if (m_session.undoStack().undoText() != m_note_undo_text)
        m_note->hide();
}

QString describeChanges(const std::vector<PresetChange>& changes)
{
    constexpr int kLongest = 24;
    const auto shortened = [](const std::string& text) {
        const QString value = QString::fromStdString(text).simplified();
        return value.size() <= kLongest ? value : value.left(kLongest - 1) + QStringLiteral("…");
    };
    QStringList parts;
    for (const PresetChange& change : changes) {
        const QString key = QString::fromStdString(change.key);
        if (change.after.empty())
            parts += PresetBar::tr("%1 removed").arg(key);
        else if (change.before.empty())
            parts += QStringLiteral("%1 %2").arg(key, shortened(change.after));
        else
            parts += QStringLiteral("%1 %2 → %3")
                         .arg(key, shortened(change.before), shortened(change.after));
    }
    return parts.join(QStringLiteral(", "));
}

} // namespace zen::ui
