#include "ui/tiers/fetch_row.h"

#include "core/base/byte_text.h"
#include "core/base/duration_text.h"
#include "core/plan/memory_plan.h"
#include "ui/run/shown_text.h"
#include "ui/shell/button.h"
#include "ui/shell/plain_label.h"
#include "ui/tiers/weights_fetch.h"

#include <QHBoxLayout>
#include <QProgressBar>

#include <algorithm>

namespace zen::ui {

namespace {

constexpr int kBarSteps = 1000;

QString bytesText(double bytes)
{
    return QString::fromStdString(formatBytes(static_cast<std::uint64_t>(bytes)));
}

QString howFar(const FetchProgress& now)
{
    return FetchRow::tr("%1 of %2")
        .arg(bytesText(static_cast<double>(now.bytes)), bytesText(static_cast<double>(now.size)));
}

/// "620 MB of 1.5 GB · 55 MB/s · 14 s left · model.safetensors"
QString progressText(const FetchProgress& now)
{
    if (!now.note.empty())
        return shownLine(now.note);
    if (now.phase == FetchProgress::Phase::listing)
        return FetchRow::tr("Asking for the list of files");
    QStringList parts{ howFar(now) };
    if (now.phase == FetchProgress::Phase::checking)
        parts += FetchRow::tr("checking what is here");
    else if (now.bytes_per_second > 0)
        parts += FetchRow::tr("%1/s").arg(bytesText(now.bytes_per_second));
    if (now.seconds_left && now.phase == FetchProgress::Phase::fetching)
        parts += FetchRow::tr("%1 left").arg(
            QString::fromStdString(formatDuration(*now.seconds_left)));
    parts += shownLine(now.file);
    return parts.join(QStringLiteral(" · "));
}

} // namespace

FetchRow::FetchRow(WeightsFetch& fetch, QWidget* parent)
    : QWidget(parent)
    , m_fetch(fetch)
{
    setObjectName(QStringLiteral("fetchRow"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    auto* top = new QHBoxLayout;
    top->setSpacing(8);
    m_words = new PlainLabel({}, this);
    m_words->setType(13, QFont::DemiBold)->setElided();
    m_words->setObjectName(QStringLiteral("fetchWords"));
    m_detail = new PlainLabel({}, this);
    m_detail->setType(11)->setWordWrap(true);
    m_detail->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_detail->setObjectName(QStringLiteral("fetchDetail"));
    m_bar = new QProgressBar(this);
    m_bar->setTextVisible(false);
    m_bar->setRange(0, kBarSteps);
    m_bar->setFixedHeight(6);
    m_bar->setAccessibleName(tr("Progress of the download"));
    top->addWidget(m_words, 1);
    m_cancel = plainButton(tr("Cancel"), {}, this);
    m_cancel->setObjectName(QStringLiteral("cancelFetchButton"));
    m_again = plainButton({}, {}, this);
    m_again->setObjectName(QStringLiteral("resumeFetchButton"));
    m_close = plainButton(tr("Close"), {}, this);
    for (QPushButton* button : { m_cancel, m_again, m_close })
        top->addWidget(button);
    layout->addLayout(top);
    layout->addWidget(m_bar);
    layout->addWidget(m_detail);
    layout->addStretch(1);
    connect(m_cancel, &QPushButton::clicked, &m_fetch, &WeightsFetch::stop);
    connect(m_again, &QPushButton::clicked, this, [this] { m_fetch.start(m_fetch.request()); });
    connect(m_close, &QPushButton::clicked, &m_fetch, &WeightsFetch::forget);
    connect(&m_fetch, &WeightsFetch::changed, this, &FetchRow::showState);
    showState();
}

void FetchRow::showState()
{
    using State = WeightsFetch::State;
    const State state = m_fetch.state();
    const FetchProgress& now = m_fetch.progress();
    const QString id = shownLine(m_fetch.request().id);
    setVisible(state != State::idle);
    m_bar->setVisible(m_fetch.isActive());
    m_cancel->setVisible(m_fetch.isActive());
    m_again->setVisible(state == State::stopped || state == State::failed);
    m_close->setVisible(!m_fetch.isActive());
    m_again->setText(state == State::stopped ? tr("Resume") : tr("Try again"));
    setEnabledOr(m_cancel, state == State::fetching, tr("It is being cancelled."),
        tr("Stop here; what came so far is kept"));
    m_words->setTone(state == State::failed ? Tone::error : Tone::ink);
    m_detail->setTone(Tone::muted);
    const double share
        = now.size > 0 ? static_cast<double>(now.bytes) / static_cast<double>(now.size) : 0;
    m_bar->setValue(static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarSteps));
    switch (state) {
    case State::idle:
        return;
    case State::fetching:
        m_words->setText(tr("Getting %1").arg(id));
        m_detail->setText(progressText(now));
        return;
    case State::stopping:
        m_words->setText(tr("Cancelling %1").arg(id));
        return;
    case State::done:
        m_words->setText(tr("%1 is on this machine").arg(id));
        m_detail->setText(tr("%1, verified. Put %2 into the field Model on the Configure page.")
                              .arg(bytesText(static_cast<double>(now.size)), id));
        return;
    case State::stopped:
        m_words->setText(tr("%1 is not complete").arg(id));
        m_detail->setText(tr("Cancelled at %1. What came so far is kept; it goes on from there.")
                              .arg(howFar(now)));
        return;
    case State::failed:
        m_words->setText(tr("%1 was not fetched").arg(id));
        m_detail->setText(sentence(shownText(m_fetch.message().toStdString())));
        return;
    }
}

} // namespace zen::ui
