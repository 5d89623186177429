#pragma once

#include "core/base/diagnostic.h"
#include "ui/form/config_session.h"
#include "ui/shell/text_view.h"
#include "ui/shell/theme.h"

#include <QSyntaxHighlighter>

#include <map>

namespace zen::ui {

/// Keys, comments and values of YAML in the theme's colours.
class YamlHighlighter : public QSyntaxHighlighter {
    Q_OBJECT
public:
    explicit YamlHighlighter(QTextDocument* document);
    void setTheme(const Theme& theme); ///< recolours

protected:
    void highlightBlock(const QString& text) override;

private:
    QTextCharFormat m_key;
    QTextCharFormat m_comment;
};

/// A configuration's text as it will be saved: changed lines tinted with "was …" at the right,
/// lines with errors marked. A click on a line asks for its field.
class YamlPreview : public TextView {
    Q_OBJECT
public:
    explicit YamlPreview(QWidget* parent = nullptr);

    void showDocument(const YamlDocument& document, const std::vector<EntryChange>& changes,
        const Diagnostics& findings);
    void showLine(int line); ///< scrolls to a 1-based line and puts the cursor there

Q_SIGNALS:
    void keyChosen(const QString& key);

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    void reveal(int line); ///< 0-based; scrolls only if it is out of sight

    struct Mark {
        QString note; ///< "was 4", "new"
        bool changed = false;
        Severity severity = Severity::advice;
        QString finding; ///< empty: none
    };
    YamlHighlighter* m_highlighter = nullptr;
    std::map<int, Mark> m_marks; ///< by 1-based line
    std::map<int, QString> m_keys; ///< by the 1-based line of the key
};

} // namespace zen::ui
