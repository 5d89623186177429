#include "ui/run/run_header.h"

#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"

#include <QActionGroup>
#include <QHBoxLayout>
#include <QMenu>
#include <QPushButton>
#include <QSlider>

namespace zen::ui {

namespace {

constexpr int kSliderSteps = 99;
constexpr int kDefaultSlider = 70;

} // namespace

RunHeader::RunHeader(QWidget* parent)
    : QWidget(parent)
    , m_title(new PlainLabel({}, this))
    , m_pill(new Pill({}, PillTone::accent, this))
    , m_facts(new PlainLabel({}, this))
    , m_smoothing(new QSlider(Qt::Horizontal, this))
    , m_follow(linkButton(tr("Follow"), this))
    , m_axis(plainButton(tr("x: step"), {}, this))
    , m_overlay(plainButton(tr("Overlay"), {}, this))
    , m_export(plainButton(tr("Export"), {}, this))
    , m_save(plainButton(tr("Save now"), {}, this))
{
    m_title->setType(19, QFont::DemiBold);
    m_title->setObjectName(QStringLiteral("runTitle"));
    m_pill->setObjectName(QStringLiteral("runState"));
    m_facts->setType(11)->setTone(Tone::muted)->setElided();
    m_facts->setObjectName(QStringLiteral("runFacts"));
    m_smoothing->setObjectName(QStringLiteral("smoothing"));
    m_smoothing->setAccessibleName(tr("Smoothing"));
    m_smoothing->setToolTip(
        tr("Weight of the past in the smoothed line: 0 shows the raw values only"));
    m_smoothing->setRange(0, kSliderSteps);
    m_smoothing->setValue(kDefaultSlider);
    m_smoothing->setFixedWidth(140);
    m_follow->setObjectName(QStringLiteral("followRun"));
    m_follow->setToolTip(
        tr("Show the whole run again and keep up with it (double click in a plot)"));
    m_axis->setObjectName(QStringLiteral("xAxis"));
    m_overlay->setObjectName(QStringLiteral("overlay"));
    m_export->setObjectName(QStringLiteral("exportPlots"));
    m_save->setObjectName(QStringLiteral("saveNow"));
    m_save->setToolTip(tr("Write a checkpoint after this step"));

    auto* smoothing_label = new PlainLabel(tr("smoothing"), this);
    smoothing_label->setType(11)->setTone(Tone::muted);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    layout->addWidget(m_title);
    layout->addWidget(m_pill);
    layout->addWidget(m_facts, 1);
    layout->addWidget(m_follow);
    layout->addWidget(smoothing_label);
    layout->addWidget(m_smoothing);
    for (QPushButton* button : { m_axis, m_overlay, m_export, m_save })
        layout->addWidget(button);

    connect(m_smoothing, &QSlider::valueChanged, this,
        [this](int value) { Q_EMIT smoothingChanged(value / 100.0); });
    connect(m_follow, &QPushButton::clicked, this, &RunHeader::followRequested);
    connect(m_save, &QPushButton::clicked, this, &RunHeader::saveNowRequested);
    buildAxisMenu();
    buildExportMenu();
    rebuildOverlayMenu();
    setFollowing(true);
    setLive(false);
    setState({}, PillTone::accent);
}

void RunHeader::setRun(const QString& title, const QString& facts)
{
    m_title->setText(title);
    m_facts->setText(facts);
}

void RunHeader::setState(const QString& word, PillTone tone)
{
    m_pill->setVisible(!word.isEmpty());
    m_pill->setText(word);
    m_pill->setTone(tone);
}

void RunHeader::setFollowing(bool following)
{
    m_follow->setVisible(!following);
}

void RunHeader::setLive(bool live)
{
    m_save->setVisible(live);
}

void RunHeader::buildAxisMenu()
{
    auto* menu = new QMenu(this);
    auto* group = new QActionGroup(menu);
    const auto add = [&](const QString& name, const QString& button_text, XAxis axis) {
        QAction* action = menu->addAction(name, this, [this, button_text, axis] {
            m_axis->setText(button_text);
            Q_EMIT xAxisChosen(axis);
        });
        action->setCheckable(true);
        action->setChecked(axis == XAxis::step);
        group->addAction(action);
    };
    add(tr("Step"), tr("x: step"), XAxis::step);
    add(tr("Training time"), tr("x: time"), XAxis::seconds);
    add(tr("Tokens"), tr("x: tokens"), XAxis::tokens);
    m_axis->setMenu(menu);
}

void RunHeader::buildExportMenu()
{
    auto* menu = new QMenu(this);
    menu->addAction(
        tr("Plots as PNG…"), this, [this] { Q_EMIT exportPlotsRequested(QStringLiteral("png")); });
    menu->addAction(
        tr("Plots as PDF…"), this, [this] { Q_EMIT exportPlotsRequested(QStringLiteral("pdf")); });
    menu->addAction(
        tr("Values as CSV…"), this, [this] { Q_EMIT exportPlotsRequested(QStringLiteral("csv")); });
    menu->addSeparator();
    menu->addAction(tr("Show the run's folder"), this, &RunHeader::folderRequested);
    m_export->setMenu(menu);
}

void RunHeader::setOverlayChoices(std::vector<OverlayChoice> choices)
{
    m_choices = std::move(choices);
    rebuildOverlayMenu();
}

void RunHeader::setOverlay(const QString& name)
{
    m_overlay_name = name;
    rebuildOverlayMenu();
}

void RunHeader::rebuildOverlayMenu()
{
    auto* menu = new QMenu(this);
    QAction* none = menu->addAction(tr("None"), this, [this] { Q_EMIT overlayChosen({}); });
    none->setCheckable(true);
    none->setChecked(m_overlay_name.isEmpty());
    if (!m_choices.empty())
        menu->addSeparator();
    for (const OverlayChoice& choice : m_choices) {
        QString text = choice.name;
        QAction* action = menu->addAction(text.replace(QLatin1Char('&'), QStringLiteral("&&")),
            this, [this, folder = choice.folder] {
                Q_EMIT overlayChosen(QString::fromStdString(folder.string()));
            });
        action->setCheckable(true);
        action->setChecked(choice.name == m_overlay_name);
    }
    if (QMenu* old = m_overlay->menu())
        old->deleteLater(); // perhaps it is its own action that brought us here
    m_overlay->setMenu(menu);
    setEnabledOr(m_overlay, !m_choices.empty() || !m_overlay_name.isEmpty(),
        tr("No other run to compare with yet"),
        tr("Draw another run's curves, dashed, over these"));
}

} // namespace zen::ui
