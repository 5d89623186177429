#include "core/config/schema.h"
#include "ui/form/config_form.h"
#include "ui/form/field_editor.h"
#include "ui/form/field_rules.h"
#include "ui/form/preset_bar.h"
#include "ui/form/rewards_dialog.h"
#include "ui/form/yaml_preview.h"
#include "ui/shell/theme_source.h"

#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>

using namespace zen;
using namespace zen::ui;

namespace {

const QString kText = QStringLiteral("stage: gspo\n"
                                     "dataset: questions.jsonl\n"
                                     "lora_rank: 4\n"
                                     "per_device_train_batch_size: 8\n"
                                     "rewards:\n"
                                     "  - {type: number_equal, weight: 1.0}\n");

template <class T> T* child(QWidget& parent, const char* name)
{
    return parent.findChild<T*>(QLatin1String(name));
}

void type(QLineEdit& edit, const QString& text)
{
    edit.setFocus();
    edit.selectAll();
    QTest::keyClicks(&edit, text);
}

} // namespace

class TestForm : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_session = std::make_unique<ConfigSession>();
        m_session->startFrom(kText, QStringLiteral("x.yaml"));
        m_form = std::make_unique<ConfigForm>(*m_session);
        m_form->resize(780, 560);
        m_form->show();
    }
    void cleanup()
    {
        m_form.reset();
        m_session.reset();
    }

    void everyFieldOfTheSchema_hasAnEditorWithNameAndHelp()
    {
        for (const Field& field : schema()) {
            auto* box = m_form->findChild<QWidget*>(QStringLiteral("field_") + fromView(field.key));
            QVERIFY2(box, std::string(field.key).c_str());
            QVERIFY(!box->accessibleName().isEmpty());
            QVERIFY(box->toolTip().contains(fromView(field.key).toHtmlEscaped()));
        }
    }

    void findingOfSeveralLines_isNotClipped()
    {
        m_session->startFrom(QStringLiteral("model_name_or_path: Qwen/Qwen3-Omni-14B-Instruct\n"
                                            "stage: grpo\nrewards: [{type: number_equal}]\n"),
            QStringLiteral("x.yaml"));
        auto* message = child<QLabel>(*m_form, "message_model_name_or_path");
        QTRY_VERIFY(message->isVisible());
        QVERIFY2(
            message->text().contains(QStringLiteral("Start small")), qPrintable(message->text()));
        QTRY_VERIFY(
            message->heightForWidth(message->width()) > 2 * message->fontMetrics().height());
        QTRY_VERIFY(message->height() >= message->heightForWidth(message->width()));
    }

    void narrowForm_hasOneColumn()
    {
        auto* left = child<QLineEdit>(*m_form, "field_lora_rank");
        auto* right = child<QLineEdit>(*m_form, "field_temperature");
        const auto place = [this](const QWidget* field) {
            return QRect(field->mapTo(m_form->viewport(), QPoint()), field->size());
        };
        QTRY_VERIFY(place(right).left() > place(left).right());
        m_form->resize(420, 560);
        QTRY_COMPARE(place(right).left(), place(left).left());
        QVERIFY(place(right).right() < m_form->viewport()->width());
    }

    void typing_writesTheFile()
    {
        auto* rank = child<QLineEdit>(*m_form, "field_lora_rank");
        type(*rank, QStringLiteral("32"));
        QCOMPARE(m_session->config().adapter.lora_rank, 32);
        QVERIFY(m_session->text().contains(QStringLiteral("lora_rank: 32\n")));
        auto* temperature = child<QLineEdit>(*m_form, "field_temperature");
        type(*temperature, QStringLiteral("0.7"));
        QCOMPARE(m_session->config().sampling.temperature, 0.7);
        QCOMPARE(temperature->text(), QStringLiteral("0.7"));
    }

    void clearing_goesBackToTheDefault()
    {
        auto* rank = child<QLineEdit>(*m_form, "field_lora_rank");
        type(*rank, QStringLiteral("32"));
        rank->selectAll();
        QTest::keyClick(rank, Qt::Key_Backspace);
        QVERIFY(!m_session->document().find("lora_rank"));
        QCOMPARE(m_session->config().adapter.lora_rank, 16);
    }

    void arrows_stepWholeNumbersWithinTheirRange()
    {
        auto* rank = child<QLineEdit>(*m_form, "field_lora_rank");
        rank->setFocus();
        QTest::keyClick(rank, Qt::Key_Up);
        QCOMPARE(m_session->config().adapter.lora_rank, 5);
        type(*rank, QStringLiteral("1"));
        QTest::keyClick(rank, Qt::Key_Down);
        QCOMPARE(m_session->config().adapter.lora_rank, 1);
    }

    void wrongText_isKeptMarkedAndExplained()
    {
        auto* rank = child<QLineEdit>(*m_form, "field_lora_rank");
        type(*rank, QStringLiteral("many"));
        QCOMPARE(rank->property("state").toString(), QStringLiteral("error"));
        auto* message = child<QLabel>(*m_form, "message_lora_rank");
        QVERIFY(message->isVisible());
        QVERIFY(!message->text().isEmpty());
        QCOMPARE(message->textFormat(), Qt::PlainText);
        QCOMPARE(rank->text(), QStringLiteral("many"));
        QVERIFY(hasErrors(m_session->diagnostics()));
        type(*rank, QStringLiteral("8"));
        QVERIFY(!message->isVisible());
        QVERIFY(rank->property("state").toString().isEmpty());
    }

    void textThatIsYaml_staysText()
    {
        auto* prompt = child<QLineEdit>(*m_form, "field_system_prompt");
        m_form->setAdvancedShown(true);
        type(*prompt, QStringLiteral("a: [b # c"));
        QCOMPARE(m_session->config().data.system_prompt, std::string("a: [b # c"));
        QVERIFY(m_session->document().check().empty());
    }

    void fix_isOneClick()
    {
        auto* group = child<QLineEdit>(*m_form, "field_num_generations");
        type(*group, QStringLiteral("1"));
        auto* fix = child<QPushButton>(*m_form, "fix_num_generations");
        QVERIFY(fix && fix->isVisible());
        fix->click();
        QVERIFY(m_session->config().batch.num_generations >= 2);
        QVERIFY(!fix->isVisible());
    }

    void choices_areWrittenAsTheirWord()
    {
        auto* stage = child<QComboBox>(*m_form, "field_stage");
        QCOMPARE(stage->currentText(), QStringLiteral("GSPO"));
        const int grpo = stage->findText(QStringLiteral("GRPO"));
        stage->setCurrentIndex(grpo);
        Q_EMIT stage->activated(grpo);
        QCOMPARE(m_session->config().algorithm.stage, Stage::grpo);
        QVERIFY(m_session->text().startsWith(QStringLiteral("stage: grpo\n")));
    }

    void sft_disablesWhatItDoesNotUseAndSaysWhy()
    {
        auto* temperature = child<QLineEdit>(*m_form, "field_temperature");
        QVERIFY(temperature->isEnabled());
        QVERIFY(m_session->setField("stage", "sft"));
        QVERIFY(!temperature->isEnabled());
        QVERIFY(temperature->accessibleDescription().contains(QStringLiteral("SFT")));
    }

    void emptyOptionalField_showsWhatItWillBe()
    {
        auto* alpha = child<QLineEdit>(*m_form, "field_lora_alpha");
        QVERIFY(alpha->text().isEmpty());
        QCOMPARE(alpha->placeholderText(), QStringLiteral("8"));
        QVERIFY(m_session->setField("lora_rank", "32"));
        QCOMPARE(alpha->placeholderText(), QStringLiteral("64"));
    }

    void derivedValues_areLive()
    {
        auto* completions = child<QLabel>(*m_form, "derived_completions");
        auto* prompts = child<QLabel>(*m_form, "derived_prompts");
        QVERIFY(completions->text().contains(QStringLiteral("= 8")));
        QCOMPARE(
            prompts->text(), QStringLiteral("32 ÷ 8 = 4")); // GSPO generates for 4 steps at once
        QVERIFY(m_session->setField("gradient_accumulation_steps", "2"));
        QVERIFY(completions->text().contains(QStringLiteral("8 × 2 = 16")));
        QCOMPARE(prompts->text(), QStringLiteral("64 ÷ 8 = 8"));
    }

    void totalSteps_countWholeGenerations()
    {
        TrainingConfig config;
        config.algorithm.stage = Stage::grpo;
        config.optimizer.num_train_epochs = 2;
        config.batch.per_device_train_batch_size = 8;
        config.batch.gradient_accumulation_steps = 2;
        config.batch.num_generations = 4;
        // 16 completions a generation = 4 prompts; 103 rows give 25 generations, each one step,
        // twice.
        QCOMPARE(totalSteps(config, 103), std::optional<std::int64_t>(50));
        QCOMPARE(totalSteps(config, std::nullopt), std::nullopt);
        config.optimizer.max_steps = 7;
        QCOMPARE(totalSteps(config, std::nullopt), std::optional<std::int64_t>(7));
    }

    void advancedFields_areHiddenCountedAndShown()
    {
        auto* box = m_form->findChild<QWidget*>(QStringLiteral("field_adam_beta1"));
        QVERIFY(!box->isVisible());
        QCOMPARE(m_form->changedAdvancedCount(), 0);
        QVERIFY(m_session->setField("adam_beta1", "0.8"));
        QCOMPARE(m_form->changedAdvancedCount(), 1);
        m_form->setAdvancedShown(true);
        QVERIFY(box->isVisible());
    }

    void search_findsByLabelKeyAndHelp()
    {
        const auto visible = [this](const char* key) {
            return m_form->findChild<QWidget*>(QStringLiteral("field_") + QLatin1String(key))
                ->isVisible();
        };
        m_form->setSearch(QStringLiteral("warm-up"));
        QVERIFY(visible("warmup_ratio") && visible("warmup_steps") && !visible("lora_rank"));
        m_form->setSearch(QStringLiteral("adam_bet"));
        QVERIFY(visible("adam_beta1") && !visible("warmup_ratio"));
        m_form->setSearch(QStringLiteral("no such words"));
        QVERIFY(!visible("adam_beta1"));
        m_form->setSearch({});
        QVERIFY(visible("lora_rank") && !visible("adam_beta1"));
    }

    void jump_givesTheFieldTheKeyboard()
    {
        m_form->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_form.get()));
        QVERIFY(m_form->jumpTo("adam_beta2"));
        auto* box = m_form->findChild<QWidget*>(QStringLiteral("field_adam_beta2"));
        QTRY_VERIFY(box->hasFocus());
        QVERIFY(m_form->isAdvancedShown());
        QVERIFY(!m_form->jumpTo("not_a_field"));
    }

    void tab_reachesTheFieldsInTheirOrder()
    {
        m_form->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_form.get()));
        auto* rank = child<QLineEdit>(*m_form, "field_lora_rank");
        rank->setFocus();
        QTRY_VERIFY(rank->hasFocus());
        QTest::keyClick(rank, Qt::Key_Tab);
        QVERIFY(child<QLineEdit>(*m_form, "field_lora_alpha")->hasFocus());
    }

    void presets_applyAsOneStepAndSayWhatChanged()
    {
        Preset preset;
        preset.name = "high_quality";
        preset.title = "High quality";
        preset.kind = PresetKind::task;
        preset.edits = { { "temperature", "0.7" }, { "lora_rank", "32" } };
        PresetBar bar(*m_session, { preset });
        bar.show();
        auto* button = child<QAbstractButton>(bar, "preset_high_quality");
        auto* note = child<QLabel>(bar, "presetNoteText");
        QVERIFY(!button->isChecked());
        button->click();
        QCOMPARE(m_session->config().adapter.lora_rank, 32);
        QVERIFY(button->isChecked());
        QVERIFY(note->isVisible());
        QVERIFY(note->text().contains(QStringLiteral("lora_rank 4 → 32")));
        child<QPushButton>(bar, "presetUndo")->click();
        QCOMPARE(m_session->text(), kText);
        QVERIFY(!button->isChecked());
        QVERIFY(!note->isVisible());
    }

    void preview_showsTheFileAndItsKeys()
    {
        YamlPreview preview;
        preview.resize(400, 300);
        preview.show();
        preview.showDocument(m_session->document(), m_session->changes(), m_session->diagnostics());
        QCOMPARE(preview.toPlainText(), kText.chopped(1) + QLatin1Char('\n'));
        QSignalSpy chosen(&preview, &YamlPreview::keyChosen);
        const QTextBlock line = preview.document()->findBlockByNumber(2);
        QTextCursor cursor(line);
        preview.setTextCursor(cursor);
        QTest::mouseClick(
            preview.viewport(), Qt::LeftButton, {}, preview.cursorRect(cursor).center());
        QCOMPARE(chosen.count(), 1);
        QCOMPARE(chosen.first().first().toString(), QStringLiteral("lora_rank"));
    }

    void rewardsDialog_acceptsOnlyWhatCanBeBuilt()
    {
        RewardsDialog dialog("  - {type: number_equal, weight: 1.0}", nullptr);
        auto* text = child<QPlainTextEdit>(dialog, "rewardsText");
        auto* accept = child<QPushButton>(dialog, "rewardsAccept");
        QVERIFY(accept->isEnabled());
        text->setPlainText(QStringLiteral("- type: no_such_reward\n"));
        QVERIFY(!accept->isEnabled());
        QVERIFY(child<QLabel>(dialog, "rewardsMessage")
                    ->text()
                    .contains(QStringLiteral("no_such_reward")));
        text->setPlainText(QStringLiteral("- type: regex\n  pattern: \"(\"\n"));
        QVERIFY(!accept->isEnabled());
        text->setPlainText(QStringLiteral("- type: exact\n  weight: 0.5\n"));
        QVERIFY(accept->isEnabled());
        QVERIFY(m_session->setField("rewards", dialog.yaml()));
        QCOMPARE(m_session->config().algorithm.rewards.size(), std::size_t(1));
        QCOMPARE(m_session->config().algorithm.rewards[0].weight, 0.5);
    }

private:
    std::unique_ptr<ConfigSession> m_session;
    std::unique_ptr<ConfigForm> m_form;
};

QTEST_MAIN(TestForm)
#include "tst_form.moc"
