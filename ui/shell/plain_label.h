#pragma once

#include <QFont>
#include <QLabel>

namespace zen::ui {

/// What a text is for; the colour follows the theme.
enum class Tone { ink, muted, accent, warning, error };

/// A label that shows text as it is, never as HTML: for anything that comes from a model, a file or
/// an error.
class PlainLabel : public QLabel {
    Q_OBJECT
public:
    explicit PlainLabel(const QString& text = {}, QWidget* parent = nullptr);

    PlainLabel* setType(int size, QFont::Weight weight = QFont::Normal); ///< 11, 13, 15, 19 or 24
    PlainLabel* setMono(bool mono = true);
    PlainLabel* setTone(Tone tone);
    /// Cuts with … instead of forcing its width on the layout; the whole text is then in the
    /// tooltip.
    PlainLabel* setElided(Qt::TextElideMode mode = Qt::ElideRight);

    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void applyFont();

    int m_size = 13;
    QFont::Weight m_weight = QFont::Normal;
    bool m_mono = false;
    Qt::TextElideMode m_elide = Qt::ElideNone;
};

/// Text from outside for a place that reads HTML (tooltips): escaped, control and
/// direction-changing characters made visible, wrapped into one paragraph.
QString plainToolTip(const QString& text);

/// The same text with control characters (but tab and line feed) and bidirectional overrides made
/// visible, lines hard-wrapped at 1,000 characters and the whole cut at 64 Ki characters with a
/// note: what a text view may be given.
QString displayText(QString text);

} // namespace zen::ui
