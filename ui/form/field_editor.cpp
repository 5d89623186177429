#include "ui/form/field_editor.h"

#include "ui/form/field_rules.h"
#include "ui/form/hint_boxes.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/icon.h"
#include "ui/shell/plain_label.h"

#include <QCompleter>
#include <QContextMenuEvent>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QMenu>
#include <QStyle>

#include <algorithm>

namespace zen::ui {

namespace {

constexpr int kFieldLabelWidth = 156;

void setState(QWidget* box, const QString& state)
{
    if (box->property("state").toString() == state)
        return;
    box->setProperty("state", state);
    box->update();
}

} // namespace

FieldEditor::FieldEditor(const Field& field, QWidget* parent)
    : QWidget(parent)
    , m_field(field)
{
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->setSpacing(6);
    auto* row = new QHBoxLayout;
    row->setSpacing(12);
    outer->addLayout(row);

    m_label = new PlainLabel(shown(field.label), this);
    m_label->setFixedWidth(kFieldLabelWidth);
    m_label->setElided();
    row->addWidget(m_label);
    buildBox(row);
    m_label->setBuddy(m_box);
    m_box->setObjectName(QStringLiteral("field_") + fromView(field.key));
    m_box->setAccessibleName(shown(field.label));
    m_box->installEventFilter(this);

    m_message_row = new QWidget(this);
    auto* message_layout = new QVBoxLayout(m_message_row);
    message_layout->setContentsMargins(kFieldLabelWidth + 12, 0, 0, 2);
    message_layout->setSpacing(0);
    m_message = new PlainLabel({}, m_message_row);
    m_message->setObjectName(QStringLiteral("message_") + fromView(field.key));
    m_message->setType(11);
    m_message->setWordWrap(true);
    m_fix_button = inlineButton({}, m_message_row);
    m_fix_button->setObjectName(QStringLiteral("fix_") + fromView(field.key));
    connect(m_fix_button, &QPushButton::clicked, this, [this] {
        if (m_fix)
            Q_EMIT fixAccepted(*m_fix);
    });
    message_layout->addWidget(m_message);
    message_layout->addWidget(m_fix_button, 0, Qt::AlignLeft);
    outer->addWidget(m_message_row);
    m_message_row->hide();
    // not Fixed, which would cap it at the height of a message that does not wrap
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Minimum);
}

void FieldEditor::buildBox(QHBoxLayout* row)
{
    switch (m_field.type) {
    case FieldType::boolean:
    case FieldType::choice:
        buildComboBox();
        break;
    case FieldType::rewards:
        m_rewards = plainButton({}, {}, this);
        m_rewards->setProperty("leading", true);
        connect(m_rewards, &QPushButton::clicked, this, &FieldEditor::rewardsRequested);
        m_box = m_rewards;
        break;
    default:
        buildLineEdit();
        break;
    }
    m_box->setMinimumWidth(120);
    m_box->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    row->addWidget(m_box, 1);
}

void FieldEditor::buildLineEdit()
{
    m_edit = new HintLineEdit(this);
    m_box = m_edit;
    connect(m_edit, &QLineEdit::textEdited, this,
        [this](const QString& text) { Q_EMIT entered(yamlFromTyped(m_field, text)); });
    if (m_field.type == FieldType::path) {
        auto* action
            = m_edit->addAction(lineIcon(QStringLiteral("open")), QLineEdit::TrailingPosition);
        action->setToolTip(tr("Choose a file or folder"));
        connect(action, &QAction::triggered, this, &FieldEditor::browse);
    }
    if (!m_field.choices.empty()) {
        QStringList words;
        for (const std::string_view choice : m_field.choices)
            words += fromView(choice);
        auto* completer = new QCompleter(words, m_edit);
        completer->setCaseSensitivity(Qt::CaseInsensitive);
        m_edit->setCompleter(completer);
        connect(completer, qOverload<const QString&>(&QCompleter::activated), this,
            [this](const QString& text) { Q_EMIT entered(yamlFromTyped(m_field, text)); });
    }
}

void FieldEditor::buildComboBox()
{
    m_combo = new HintComboBox(this);
    m_box = m_combo;
    if (m_field.optional)
        m_combo->addItem({}, QString());
    if (m_field.type == FieldType::boolean) {
        m_combo->addItem(displayOf(FieldValue(true)), QStringLiteral("true"));
        m_combo->addItem(displayOf(FieldValue(false)), QStringLiteral("false"));
    } else {
        for (const std::string_view choice : m_field.choices) {
            const QString word = fromView(choice);
            const bool is_name = m_field.key == "stage"; // GSPO, GRPO, SFT are names
            m_combo->addItem(is_name ? word.toUpper() : word, word);
        }
    }
    connect(m_combo, &QComboBox::activated, this, [this](int index) {
        const QString word = m_combo->itemData(index).toString();
        if (word.isEmpty())
            Q_EMIT entered(std::nullopt);
        else if (m_field.type == FieldType::boolean)
            Q_EMIT entered(word.toStdString());
        else
            Q_EMIT entered(toYaml(FieldValue(word.toStdString())));
    });
}

void FieldEditor::showInLineEdit(
    const TrainingConfig& config, const std::optional<std::string>& yaml)
{
    const FieldValue value = m_field.get(config);
    QString text = displayOf(value);
    if (yaml && !parseValue(m_field, *yaml)) { // what the file says, so that it can be corrected
        text = QString::fromStdString(*yaml);
        if (text.size() >= 2 && text.startsWith(QLatin1Char('"'))
            && text.endsWith(QLatin1Char('"')))
            text = text.mid(1, text.size() - 2);
    }
    if (std::holds_alternative<std::monostate>(value) && !yaml)
        text.clear();
    m_edit->setPlaceholderText(decidedValue(m_field, config));
    // While it is being typed in, "1." must not become "1.0" under the cursor; the finished value
    // is shown on leaving.
    const bool same = yamlFromTyped(m_field, m_edit->text()) == yamlFromTyped(m_field, text);
    if (m_edit->text() != text && !(m_edit->hasFocus() && same)) {
        m_edit->setText(text);
        if (!m_edit->hasFocus())
            m_edit->setCursorPosition(0);
    }
}

void FieldEditor::show(const TrainingConfig& config, const std::optional<std::string>& yaml,
    std::optional<std::int64_t> rows)
{
    m_is_changed = yaml.has_value();
    const QString hint = hintFor(m_field, config, rows);
    const FieldValue value = m_field.get(config);
    if (m_edit) {
        showInLineEdit(config, yaml);
        m_edit->setHint(hint);
    } else if (m_combo) {
        if (m_field.optional) {
            const QString decided = decidedValue(m_field, config);
            m_combo->setItemText(0, decided.isEmpty() ? tr("decided by other fields") : decided);
        }
        QString word = std::holds_alternative<std::monostate>(value)
            ? QString()
            : QString::fromStdString(toYaml(value));
        word.remove(QLatin1Char('"')).remove(QLatin1Char('\''));
        if (const int index = m_combo->findData(word); index >= 0)
            m_combo->setCurrentIndex(index);
        m_combo->setHint(hint);
    } else if (m_rewards) {
        const QString words = displayOf(value);
        m_rewards->setText(words.isEmpty() ? tr("Add rewards…") : words);
    }
    const QString reason = whyWithoutEffect(m_field, config);
    setEnabledOr(m_box, reason.isEmpty(), reason + QStringLiteral("\n\n") + describe(m_field),
        describe(m_field));
    m_label->setTone(reason.isEmpty() ? Tone::ink : Tone::muted);
    m_label->setToolTip(m_box->toolTip());
}

void FieldEditor::showFinding(const Diagnostic* finding)
{
    m_fix = finding ? finding->fix : std::nullopt;
    m_message_row->setVisible(finding != nullptr);
    if (!finding) {
        setState(m_box, {});
        return;
    }
    const bool error = finding->severity == Severity::error;
    setState(m_box, error ? QStringLiteral("error") : QStringLiteral("warning"));
    m_message->setTone(error ? Tone::error : Tone::warning);
    m_message->setText(sentence(shownText(finding->message)));
    m_fix_button->setProperty("tone", error ? QStringLiteral("error") : QStringLiteral("warning"));
    m_fix_button->setVisible(m_fix.has_value());
    if (m_fix)
        m_fix_button->setText(QString::fromStdString(m_fix->label));
}

void FieldEditor::focusValue()
{
    m_box->setFocus(Qt::ShortcutFocusReason);
    if (m_edit)
        m_edit->selectAll();
}

bool FieldEditor::matches(const QString& words) const
{
    QString text = shown(m_field.label) + QLatin1Char(' ') + fromView(m_field.key)
        + QLatin1Char(' ') + shown(m_field.help) + QLatin1Char(' ') + shown(m_field.group);
    for (const std::string_view alias : m_field.aliases)
        text += QLatin1Char(' ') + fromView(alias);
    for (const QString& word : words.split(QLatin1Char(' '), Qt::SkipEmptyParts))
        if (!text.contains(word, Qt::CaseInsensitive))
            return false;
    return true;
}

void FieldEditor::stepValue(int direction)
{
    bool whole = false;
    const qlonglong value = (m_edit->text().isEmpty() ? m_edit->placeholderText() : m_edit->text())
                                .toLongLong(&whole);
    if (!whole)
        return;
    const double next
        = std::clamp(static_cast<double>(value + direction), m_field.minimum, m_field.maximum);
    m_edit->setText(QString::number(static_cast<qlonglong>(next)));
    Q_EMIT entered(yamlFromTyped(m_field, m_edit->text()));
}

void FieldEditor::browse()
{
    const bool is_file = m_field.key == "deepspeed";
    const QString chosen = is_file
        ? QFileDialog::getOpenFileName(this, shown(m_field.label), m_edit->text())
        : QFileDialog::getExistingDirectory(this, shown(m_field.label), m_edit->text());
    if (!chosen.isEmpty())
        Q_EMIT entered(yamlFromTyped(m_field, chosen));
}

bool FieldEditor::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_edit && m_edit && event->type() == QEvent::KeyPress
        && m_field.type == FieldType::integer) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        if (key == Qt::Key_Up || key == Qt::Key_Down) {
            stepValue(key == Qt::Key_Up ? 1 : -1);
            return true;
        }
    }
    if (watched == m_box && event->type() == QEvent::ContextMenu) {
        contextMenuEvent(static_cast<QContextMenuEvent*>(event));
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

void FieldEditor::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu(this);
    if (m_edit && m_edit->hasSelectedText())
        menu.addAction(tr("Copy"), m_edit, &QLineEdit::copy);
    if (m_edit && m_edit->isEnabled())
        menu.addAction(tr("Paste"), m_edit, [this] {
            m_edit->paste();
            Q_EMIT entered(yamlFromTyped(m_field, m_edit->text()));
        });
    const QString standard = QString::fromStdString(toYaml(defaultValue(m_field)));
    QAction* reset = menu.addAction(standard.isEmpty() || m_field.type == FieldType::rewards
            ? tr("Back to the default")
            : tr("Back to the default (%1)").arg(standard),
        this, [this] { Q_EMIT entered(std::nullopt); });
    reset->setEnabled(m_is_changed);
    menu.exec(event->globalPos());
}

} // namespace zen::ui
