#include "ui/form/config_session.h"

#include "core/base/durable_file.h"
#include "core/config/schema.h"

#include <QFileInfo>
#include <QUndoCommand>

#include <algorithm>

namespace zen::ui {

/// One undo step: the text before and after. Edits of the same field in a row become one.
class DocumentCommand final : public QUndoCommand {
public:
    DocumentCommand(ConfigSession& session, const QString& label, YamlDocument before,
        YamlDocument after, std::string key)
        : QUndoCommand(label)
        , m_session(session)
        , m_before(std::move(before))
        , m_after(std::move(after))
        , m_key(std::move(key))
    {
    }

    int id() const override { return m_key.empty() ? -1 : 1; }

    bool mergeWith(const QUndoCommand* other) override
    {
        const auto* next = static_cast<const DocumentCommand*>(other);
        if (next->m_key != m_key)
            return false;
        m_after = next->m_after;
        setObsolete(m_after == m_before);
        return true;
    }

    void undo() override { m_session.show(m_before); }
    void redo() override { m_session.show(m_after); }

private:
    ConfigSession& m_session;
    YamlDocument m_before;
    YamlDocument m_after;
    std::string m_key;
};

namespace {

constexpr int kSettleMilliseconds = 150;

/// The key by which the schema knows an entry (aliases resolved); the entry's own key if it knows
/// none.
std::string canonicalKey(const std::string& key)
{
    const Field* field = findField(key);
    return field ? std::string(field->key) : key;
}

bool sameValue(const std::string& key, const std::string& left, const std::string& right)
{
    if (left == right)
        return true;
    const Field* field = findField(key);
    if (!field || field->type == FieldType::rewards)
        return false;
    const auto left_value = parseValue(*field, left);
    const auto right_value = parseValue(*field, right);
    return left_value && right_value && *left_value == *right_value;
}

/// The last line of an entry's value (a block may be several lines), without the blank and comment
/// lines after it.
int lastLineOf(const YamlEntry& entry)
{
    return entry.line
        + static_cast<int>(std::count(entry.value_text.begin(), entry.value_text.end(), '\n'))
        + (entry.value_text.starts_with('-') || entry.value_text.starts_with(' ') ? 1 : 0);
}

} // namespace

ConfigSession::ConfigSession(QObject* parent)
    : QObject(parent)
{
    m_undo.setUndoLimit(500);
    m_settle.setSingleShot(true);
    m_settle.setInterval(kSettleMilliseconds);
    connect(&m_settle, &QTimer::timeout, this, &ConfigSession::settled);
    m_read = readConfig(m_document);
}

std::size_t ConfigSession::count(Severity severity) const
{
    return static_cast<std::size_t>(
        std::ranges::count(m_read.diagnostics, severity, &Diagnostic::severity));
}

QString ConfigSession::text() const
{
    return QString::fromStdString(m_document.text());
}

QString ConfigSession::name() const
{
    if (!m_path.isEmpty())
        return QFileInfo(m_path).fileName();
    return m_suggested_name.isEmpty() ? tr("untitled.yaml") : m_suggested_name;
}

std::vector<EntryChange> ConfigSession::changes() const
{
    std::vector<EntryChange> result;
    for (const YamlEntry& entry : m_document.entries()) {
        const std::string key = canonicalKey(entry.key);
        const YamlEntry* old = findFieldEntry(m_baseline, key);
        if (!old || !sameValue(key, old->value_text, entry.value_text))
            result.push_back({ entry.key, entry.line, lastLineOf(entry),
                old ? old->value_text : std::string() });
    }
    for (const YamlEntry& entry : m_baseline.entries())
        if (!findFieldEntry(m_document, entry.key))
            result.push_back({ entry.key, 0, 0, entry.value_text });
    return result;
}

void ConfigSession::start(YamlDocument document, const QString& path, const QString& suggested_name)
{
    m_path = path;
    m_suggested_name = suggested_name;
    m_saved_text = document.text();
    m_baseline = document;
    m_undo.clear();
    show(std::move(document));
    Q_EMIT sourceChanged();
}

Result<void> ConfigSession::open(const QString& path)
{
    auto document = YamlDocument::load(path.toStdString());
    if (!document)
        return tl::unexpected(document.error());
    start(std::move(*document), QFileInfo(path).absoluteFilePath(), {});
    return {};
}

Result<void> ConfigSession::openTemplate(const QString& path)
{
    auto document = YamlDocument::load(path.toStdString());
    if (!document)
        return tl::unexpected(document.error());
    start(std::move(*document), {}, QFileInfo(path).fileName());
    return {};
}

void ConfigSession::startFrom(const QString& text, const QString& suggested_name)
{
    start(YamlDocument::fromText(text.toStdString()), {}, suggested_name);
}

void ConfigSession::restore(const QString& path, const QString& suggested_name,
    const QString& baseline_text, const QString& saved_text, const QString& text)
{
    start(YamlDocument::fromText(baseline_text.toStdString()), path, suggested_name);
    m_saved_text = saved_text.toStdString();
    setText(tr("restore unsaved edits"), text.toStdString());
    Q_EMIT sourceChanged();
}

Result<void> ConfigSession::save()
{
    return saveAs(m_path);
}

Result<void> ConfigSession::saveAs(const QString& path)
{
    if (path.isEmpty())
        return fail("Choose a file to save to first.");
    if (auto written = writeDurably(path.toStdString(), m_document.text()); !written)
        return written;
    m_path = QFileInfo(path).absoluteFilePath();
    m_saved_text = m_document.text();
    m_was_dirty = false;
    Q_EMIT sourceChanged();
    return {};
}

void ConfigSession::revert()
{
    setText(tr("revert"), m_saved_text);
}

Result<void> ConfigSession::setField(std::string_view key, const std::optional<std::string>& yaml)
{
    YamlDocument next = m_document;
    const std::string spelt(key);
    if (auto done = zen::setField(next, { spelt, yaml }); !done)
        return done;
    if (next == m_document)
        return {};
    const Field* field = findField(key);
    const QString label = field
        ? QString::fromUtf8(field->label.data(), static_cast<qsizetype>(field->label.size()))
        : QString::fromStdString(spelt);
    m_undo.push(new DocumentCommand(*this, label, m_document, std::move(next), spelt));
    return {};
}

Result<void> ConfigSession::apply(const QString& label, std::span<const Edit> edits)
{
    YamlDocument next = m_document;
    for (const Edit& edit : edits) {
        if (auto done = zen::setField(next, edit); !done)
            return done;
    }
    if (!(next == m_document))
        m_undo.push(new DocumentCommand(*this, label, m_document, std::move(next), {}));
    return {};
}

void ConfigSession::setText(const QString& label, const std::string& text)
{
    YamlDocument next = YamlDocument::fromText(text);
    if (!(next == m_document))
        m_undo.push(new DocumentCommand(*this, label, m_document, std::move(next), {}));
}

void ConfigSession::show(YamlDocument document)
{
    m_document = std::move(document);
    m_read = readConfig(m_document);
    Q_EMIT changed();
    if (isDirty() != m_was_dirty) {
        m_was_dirty = isDirty();
        Q_EMIT sourceChanged();
    }
    m_settle.start();
}

std::optional<Tier> tierOf(const TrainingConfig& config, std::span<const Tier> tiers)
{
    const std::string& model = config.model.model_name_or_path;
    for (const Tier& tier : tiers)
        if (model == tier.model_id || (!tier.substitute_id.empty() && model == tier.substitute_id))
            return tier;
    return std::nullopt;
}

} // namespace zen::ui
