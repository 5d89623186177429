#include "ui/form/autosave.h"
#include "ui/form/config_session.h"
#include "ui/form/recent_files.h"

#include <QDir>
#include <QFile>
#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace zen;
using namespace zen::ui;

namespace {

const QString kText = QStringLiteral("# mine\n"
                                     "stage: gspo\n"
                                     "lora_rank: 4  # small\n"
                                     "\n"
                                     "num_generations: 8\n"
                                     "my_own_key: kept\n"
                                     "rewards:\n"
                                     "  - type: number_equal\n"
                                     "    weight: 1.0\n"
                                     "  - type: think_format\n"
                                     "# the end\n");

QByteArray contentOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

QString writeFile(const QTemporaryDir& folder, const QString& name, const QString& text)
{
    QFile file(folder.filePath(name));
    if (!file.open(QIODevice::WriteOnly) || file.write(text.toUtf8()) < 0)
        return {};
    return file.fileName();
}

} // namespace

class TestConfigSession : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void edit_keepsCommentsOrderAndUnknownKeys()
    {
        ConfigSession session;
        session.startFrom(kText, QStringLiteral("x.yaml"));
        QVERIFY(session.setField("lora_rank", "32"));
        QString expected = kText;
        expected.replace(QStringLiteral("lora_rank: 4  #"),
            QStringLiteral("lora_rank: 32 #")); // the comment keeps its column
        QCOMPARE(session.text(), expected);
        QCOMPARE(session.config().adapter.lora_rank, 32);
        QVERIFY(session.isDirty());
    }

    void undo_restoresTheText()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        QVERIFY(session.setField("lora_rank", "32"));
        QVERIFY(session.setField("temperature", "0.7"));
        session.undoStack().undo();
        QCOMPARE(session.config().sampling.temperature, 1.0);
        session.undoStack().undo();
        QCOMPARE(session.text(), kText);
        QVERIFY(!session.isDirty());
        session.undoStack().redo();
        QCOMPARE(session.config().adapter.lora_rank, 32);
    }

    void typing_isOneUndoStep()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        for (const char* text : { "1", "12", "128" })
            QVERIFY(session.setField("lora_rank", text));
        QCOMPARE(session.undoStack().count(), 1);
        session.undoStack().undo();
        QCOMPARE(session.text(), kText);
    }

    void apply_isOneStepOverSeveralFields()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        const std::vector<Edit> edits{ { "temperature", "0.7" }, { "top_p", "0.9" },
            { "lora_rank", {} } };
        QVERIFY(session.apply(QStringLiteral("High quality"), edits));
        QCOMPARE(session.config().sampling.top_p, 0.9);
        QCOMPARE(session.config().adapter.lora_rank, 16); // the default again
        QCOMPARE(session.undoStack().undoText(), QStringLiteral("High quality"));
        session.undoStack().undo();
        QCOMPARE(session.text(), kText);
    }

    void changes_nameLinesAndOldValues()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        QVERIFY(session.changes().empty());
        QVERIFY(session.setField("lora_rank", "32"));
        QVERIFY(session.setField("num_generations", {}));
        QVERIFY(session.setField("temperature", "0.7"));
        const auto changes = session.changes();
        QCOMPARE(changes.size(), std::size_t(3));
        QCOMPARE(changes[0].key, std::string("lora_rank"));
        QCOMPARE(changes[0].first_line, 3);
        QCOMPARE(changes[0].last_line, 3);
        QCOMPARE(changes[0].was, std::string("4"));
        const auto added = std::find_if(changes.begin(), changes.end(),
            [](const EntryChange& c) { return c.key == "temperature"; });
        QVERIFY(added != changes.end() && added->was.empty() && added->first_line > 0);
        const auto removed = std::find_if(changes.begin(), changes.end(),
            [](const EntryChange& c) { return c.key == "num_generations"; });
        QVERIFY(removed != changes.end() && removed->first_line == 0 && removed->was == "8");
    }

    void sameValueInAnotherSpelling_isNoChange()
    {
        ConfigSession session;
        session.startFrom(QStringLiteral("learning_rate: 1.0e-05\n"), {});
        QVERIFY(session.setField("learning_rate", "0.00001"));
        QVERIFY(session.changes().empty());
        QVERIFY(session.isDirty()); // the bytes differ all the same
    }

    void blockValue_isMarkedToItsEnd()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        QVERIFY(
            session.setField("rewards", "- type: exact\n  weight: 2.0\n- type: think_format\n"));
        const auto changes = session.changes();
        QCOMPARE(changes.size(), std::size_t(1));
        QCOMPARE(changes[0].first_line, 7);
        QCOMPARE(changes[0].last_line, 10);
    }

    void findings_followTheText()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        const auto before = session.count(Severity::error);
        QVERIFY(session.setField("lora_rank", "-3"));
        QCOMPARE(session.count(Severity::error), before + 1);
        session.undoStack().undo();
        QCOMPARE(session.count(Severity::error), before);
    }

    void openSaveRevert_roundTrip()
    {
        QTemporaryDir folder;
        const QString path = writeFile(folder, QStringLiteral("a.yaml"), kText);
        ConfigSession session;
        QVERIFY(session.open(path));
        QCOMPARE(session.name(), QStringLiteral("a.yaml"));
        QVERIFY(session.save());
        QCOMPARE(contentOf(path), kText.toUtf8());
        QVERIFY(session.setField("lora_rank", "8"));
        session.revert();
        QCOMPARE(session.text(), kText);
        session.undoStack().undo();
        QCOMPARE(session.config().adapter.lora_rank, 8);
        QVERIFY(session.saveAs(folder.filePath(QStringLiteral("b.yaml"))));
        QVERIFY(!session.isDirty());
        ConfigSession again;
        QVERIFY(again.open(folder.filePath(QStringLiteral("b.yaml"))));
        QCOMPARE(again.config(), session.config());
    }

    void unreadableFile_leavesTheDocument()
    {
        ConfigSession session;
        session.startFrom(kText, {});
        QVERIFY(!session.open(QStringLiteral("/nowhere/x.yaml")));
        QCOMPARE(session.text(), kText);
    }

    void template_asksForAPlaceToSave()
    {
        ConfigSession session;
        QVERIFY(session.openTemplate(
            QStringLiteral(ZEN_SOURCE_DIR "/configs/gspo_qwen3_nano_0.6b.yaml")));
        QVERIFY(session.path().isEmpty());
        QVERIFY(!session.save());
        QCOMPARE(session.name(), QStringLiteral("gspo_qwen3_nano_0.6b.yaml"));
        QCOMPARE(session.count(Severity::error), std::size_t(0));
    }

    void unsavedEdits_surviveACrash()
    {
        QTemporaryDir folder;
        const QString path = writeFile(folder, QStringLiteral("a.yaml"), kText);
        QString edited;
        {
            ConfigSession session;
            Autosave autosave(session, folder.filePath(QStringLiteral("kept")));
            QVERIFY(session.open(path));
            QVERIFY(session.setField("lora_rank", "64"));
            autosave.writeNow();
            edited = session.text();
        } // no orderly goodbye: what is on disk is all there is
        ConfigSession session;
        Autosave autosave(session, folder.filePath(QStringLiteral("kept")));
        QVERIFY(autosave.restore());
        QCOMPARE(session.text(), edited);
        QCOMPARE(session.path(), path);
        QVERIFY(session.isDirty());
        QCOMPARE(session.changes().size(), std::size_t(1));
        QCOMPARE(contentOf(path), kText.toUtf8());
        QVERIFY(session.save());
        autosave.writeNow();
        ConfigSession third;
        Autosave none(third, folder.filePath(QStringLiteral("kept")));
        QVERIFY(!none.restore());
    }

    void damagedAutosave_isIgnored()
    {
        QTemporaryDir folder;
        QVERIFY(!writeFile(
            folder, QStringLiteral("unsaved-999999999.json"), QStringLiteral("{\"text\": "))
                     .isEmpty());
        ConfigSession session;
        Autosave autosave(session, folder.path());
        QVERIFY(!autosave.restore());
        QVERIFY(QDir(folder.path()).isEmpty());
    }

    void editsOfALiveWindow_areNotTaken()
    {
        QTemporaryDir folder;
        // Process 1 always runs.
        const QString file = writeFile(folder, QStringLiteral("unsaved-1.json"),
            QStringLiteral("{\"text\": \"lora_rank: 2\"}"));
        ConfigSession session;
        Autosave autosave(session, folder.path());
        QVERIFY(!autosave.restore());
        QVERIFY(QFile::exists(file));
    }

    void recentFiles_areTenNewestFirst()
    {
        QTemporaryDir folder;
        QSettings settings(folder.filePath(QStringLiteral("s.ini")), QSettings::IniFormat);
        for (int i = 0; i < 12; ++i)
            rememberFile(settings, QStringLiteral("/f%1").arg(i));
        rememberFile(settings, QStringLiteral("/f5"));
        const QStringList files = recentFiles(settings);
        QCOMPARE(files.size(), 10);
        QCOMPARE(files.first(), QStringLiteral("/f5"));
        QCOMPARE(files.count(QStringLiteral("/f5")), 1);
    }
};

QTEST_GUILESS_MAIN(TestConfigSession)
#include "tst_config_session.moc"
