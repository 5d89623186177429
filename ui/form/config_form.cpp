#include "ui/form/config_form.h"

#include "core/config/schema.h"
#include "ui/form/field_editor.h"
#include "ui/form/field_rules.h"
#include "ui/form/rewards_dialog.h"
#include "ui/shell/plain_label.h"
#include "ui/shell/theme.h"

#include <QHBoxLayout>
#include <QLocale>
#include <QTimer>

#include <algorithm>
#include <set>

namespace zen::ui {

namespace {

constexpr int kColumnGap = 28;
constexpr int kGroupGap = 16;

constexpr int kLabelWidth = 156;

/// The groups of the right column; all others stand left, in the schema's order.
bool standsRight(const std::string& group)
{
    static const std::set<std::string> kRight{ "Algorithm", "Rewards", "Sampling", "Optimiser",
        "Evaluation and saving" };
    return kRight.contains(group);
}

/// A row that looks like a field and cannot be edited.
PlainLabel* addReadOnlyRow(
    QVBoxLayout* layout, const QString& label, const QString& tip, const QString& object_name)
{
    auto* row = new QHBoxLayout;
    row->setSpacing(12);
    auto* name = new PlainLabel(label);
    name->setFixedWidth(kLabelWidth);
    name->setToolTip(plainToolTip(tip));
    auto* value = new PlainLabel;
    value->setObjectName(object_name);
    value->setAccessibleName(label);
    value->setTone(Tone::muted);
    value->setMinimumHeight(28);
    value->setContentsMargins(10, 0, 0, 0);
    value->setToolTip(plainToolTip(tip));
    row->addWidget(name);
    row->addWidget(value, 1);
    layout->addLayout(row);
    return value;
}

const Diagnostic* worstFor(const Diagnostics& findings, std::string_view key)
{
    const Diagnostic* worst = nullptr;
    for (const Diagnostic& finding : findings) {
        const Field* field = finding.key.empty() ? nullptr : findField(finding.key);
        if (field && field->key == key && (!worst || finding.severity < worst->severity))
            worst = &finding;
    }
    return worst;
}

} // namespace

ConfigForm::ConfigForm(ConfigSession& session, QWidget* parent)
    : QScrollArea(parent)
    , m_session(session)
{
    setObjectName(QStringLiteral("configForm"));
    setAccessibleName(tr("Configuration"));
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    viewport()->setAutoFillBackground(false);
    build();
    connect(&m_session, &ConfigSession::changed, this, &ConfigForm::refresh);
    refresh();
    refreshVisibility();
}

void ConfigForm::build()
{
    auto* content = new QWidget(this);
    content->setAutoFillBackground(false);
    auto* outer = new QVBoxLayout(content);
    outer->setContentsMargins(16, 12, 16, 16);
    m_nothing_found = new PlainLabel(tr("No field matches."), content);
    m_nothing_found->setTone(Tone::muted);
    m_nothing_found->hide();
    outer->addWidget(m_nothing_found);
    m_side_by_side = new QHBoxLayout;
    m_side_by_side->setSpacing(kColumnGap);
    outer->addLayout(m_side_by_side);
    for (QVBoxLayout*& column : m_columns) {
        column = new QVBoxLayout;
        column->setSpacing(kGroupGap);
        m_side_by_side->addLayout(column, 1);
    }
    for (const Field& field : schema()) {
        Group& group = groupFor(std::string(field.group));
        auto* editor = new FieldEditor(field, group.holder);
        group.layout->addWidget(editor);
        group.editors.push_back(editor);
        m_editors.push_back(editor);
        const std::string key(field.key);
        connect(editor, &FieldEditor::entered, this,
            [this, key](const std::optional<std::string>& yaml) {
                static_cast<void>(m_session.setField(key, yaml));
            });
        connect(editor, &FieldEditor::fixAccepted, this, [this](const Fix& fix) {
            static_cast<void>(m_session.apply(QString::fromStdString(fix.label), fix.edits));
        });
        connect(editor, &FieldEditor::rewardsRequested, this, &ConfigForm::editRewards);
    }
    if (const auto batch = m_groups.find("Batch"); batch != m_groups.end())
        addDerivedRows(batch->second);
    for (QVBoxLayout* column : m_columns)
        column->addStretch();
    setWidget(content);
    content->setAutoFillBackground(false);
}

ConfigForm::Group& ConfigForm::groupFor(const std::string& name)
{
    const auto [place, inserted] = m_groups.try_emplace(name);
    Group& group = place->second;
    if (!inserted)
        return group;
    group.holder = new QWidget(this);
    group.layout = new QVBoxLayout(group.holder);
    group.layout->setContentsMargins(0, 0, 0, 0);
    group.layout->setSpacing(8);
    auto* title = new PlainLabel(shown(name), group.holder);
    title->setType(13, QFont::DemiBold);
    title->setMinimumHeight(24);
    group.layout->addWidget(title);
    m_columns[standsRight(name) ? 1 : 0]->addWidget(group.holder);
    return group;
}

void ConfigForm::addDerivedRows(Group& batch)
{
    m_derived = new QWidget(batch.holder);
    auto* layout = new QVBoxLayout(m_derived);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    m_completions = addReadOnlyRow(layout, tr("Effective batch"),
        tr("Completions that one optimiser step learns from: micro-batch × accumulation."),
        QStringLiteral("derived_completions"));
    m_prompts = addReadOnlyRow(layout, tr("Prompts a generation"),
        tr("Micro-batch × steps a generation ÷ completions a prompt."),
        QStringLiteral("derived_prompts"));
    batch.layout->addWidget(m_derived);
}

void ConfigForm::resizeEvent(QResizeEvent* event)
{
    QScrollArea::resizeEvent(event);
    const bool is_narrow = viewport()->width() < kNarrowForm;
    m_side_by_side->setDirection(is_narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
    m_side_by_side->setSpacing(is_narrow ? kGroupGap : kColumnGap);
}

void ConfigForm::setAdvancedShown(bool shown)
{
    if (shown == m_advanced)
        return;
    m_advanced = shown;
    refreshVisibility();
    Q_EMIT advancedShownChanged(shown);
}

int ConfigForm::changedAdvancedCount() const
{
    return static_cast<int>(std::ranges::count_if(schema(), [this](const Field& field) {
        return field.advanced && isChanged(field, m_session.config());
    }));
}

void ConfigForm::setSearch(const QString& words)
{
    m_search = words.trimmed();
    refreshVisibility();
}

void ConfigForm::setTrainingRows(std::optional<std::int64_t> rows)
{
    if (rows == m_rows)
        return;
    m_rows = rows;
    refresh();
}

bool ConfigForm::jumpTo(const std::string& key)
{
    const Field* field = findField(key);
    const auto found = std::ranges::find_if(m_editors, [field](const FieldEditor* editor) {
        return &editor->field() == field || (field && editor->field().key == field->key);
    });
    if (!field || found == m_editors.end())
        return false;
    m_search.clear();
    if (field->advanced)
        setAdvancedShown(true);
    refreshVisibility();
    FieldEditor* editor = *found;
    QTimer::singleShot(0, editor, [this, editor] {
        ensureWidgetVisible(editor, 0, 60);
        editor->focusValue();
    });
    return true;
}

void ConfigForm::refresh()
{
    std::map<std::string_view, std::string> written;
    for (const YamlEntry& entry : m_session.document().entries())
        if (const Field* field = findField(entry.key))
            written.emplace(field->key, entry.value_text);
    const TrainingConfig& config = m_session.config();
    for (FieldEditor* editor : m_editors) {
        const auto text = written.find(editor->field().key);
        editor->show(
            config, text == written.end() ? std::nullopt : std::optional(text->second), m_rows);
    }
    const QLocale locale;
    m_completions->setText(
        tr("%1 × %2 = %3 completions")
            .arg(locale.toString(qlonglong(config.batch.per_device_train_batch_size)),
                locale.toString(qlonglong(config.batch.gradient_accumulation_steps)),
                locale.toString(qlonglong(completionsPerStep(config)))));
    const std::int64_t group = std::max<std::int64_t>(1, config.batch.num_generations);
    const std::int64_t generation = generationBatchSize(config);
    m_prompts->setText(generation % group == 0
            ? tr("%1 ÷ %2 = %3")
                  .arg(locale.toString(qlonglong(generation)), locale.toString(qlonglong(group)),
                      locale.toString(qlonglong(generation / group)))
            : tr("%1 ÷ %2 leaves a rest")
                  .arg(locale.toString(qlonglong(generation)), locale.toString(qlonglong(group))));
    m_derived->setVisible(config.algorithm.stage != Stage::sft && m_search.isEmpty());
    refreshFindings();
}

void ConfigForm::refreshFindings()
{
    for (FieldEditor* editor : m_editors)
        editor->showFinding(worstFor(m_session.diagnostics(), editor->field().key));
    refreshVisibility();
}

void ConfigForm::refreshVisibility()
{
    bool any = false;
    for (auto& [name, group] : m_groups) {
        bool any_in_group = false;
        for (FieldEditor* editor : group.editors) {
            const Field& field = editor->field();
            // An advanced field with a finding stays in sight, whatever the switch says.
            const bool basic
                = !field.advanced || m_advanced || worstFor(m_session.diagnostics(), field.key);
            const bool wanted = m_search.isEmpty() ? basic : editor->matches(m_search);
            editor->setVisible(wanted);
            any_in_group |= wanted;
        }
        group.holder->setVisible(any_in_group);
        any |= any_in_group;
    }
    m_derived->setVisible(m_search.isEmpty() && m_session.config().algorithm.stage != Stage::sft);
    m_nothing_found->setVisible(!any);
}

void ConfigForm::editRewards()
{
    const YamlEntry* entry = m_session.document().find("rewards");
    if (const auto yaml = RewardsDialog::edit(entry ? entry->value_text : std::string(), this))
        static_cast<void>(
            m_session.setField("rewards", yaml->empty() ? std::nullopt : std::optional(*yaml)));
}

} // namespace zen::ui
