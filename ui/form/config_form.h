#pragma once

#include "ui/form/config_session.h"

#include <QScrollArea>

#include <map>
#include <optional>

class QHBoxLayout;
class QVBoxLayout;

namespace zen::ui {

/// Below this width the form and what stands over it are stacked instead of side by side.
inline constexpr int kNarrowForm = 620;

class FieldEditor;
class PlainLabel;

/// The form, made from the schema: named groups in two columns, each field with its findings. It
/// shows the session's configuration and writes every edit back into it.
class ConfigForm : public QScrollArea {
    Q_OBJECT
public:
    explicit ConfigForm(ConfigSession& session, QWidget* parent = nullptr);

    void setAdvancedShown(bool shown);
    bool isAdvancedShown() const { return m_advanced; }
    int changedAdvancedCount()
        const; ///< advanced fields that the file sets to something else than the default

    void setSearch(const QString&
            words); ///< shows what matches, advanced fields included; empty: everything again
    void setTrainingRows(std::optional<std::int64_t> rows);

    /// Brings a field into view and gives it the keyboard (showing advanced fields if it is one).
    /// False: no such field.
    bool jumpTo(const std::string& key);

Q_SIGNALS:
    void advancedShownChanged(bool shown);

protected:
    void resizeEvent(QResizeEvent* event) override; ///< one column where two do not fit

private:
    struct Group {
        QWidget* holder = nullptr;
        QVBoxLayout* layout = nullptr;
        std::vector<FieldEditor*> editors;
    };
    void build();
    Group& groupFor(const std::string& name);
    void addDerivedRows(Group& batch);
    void refresh();
    void refreshFindings();
    void refreshVisibility();
    void editRewards();

    ConfigSession& m_session;
    QHBoxLayout* m_side_by_side = nullptr;
    QVBoxLayout* m_columns[2] = {};
    std::map<std::string, Group> m_groups;
    std::vector<FieldEditor*> m_editors;
    PlainLabel* m_completions = nullptr;
    PlainLabel* m_prompts = nullptr;
    QWidget* m_derived = nullptr;
    PlainLabel* m_nothing_found = nullptr;
    QString m_search;
    bool m_advanced = false;
    std::optional<std::int64_t> m_rows;
};

} // namespace zen::ui
