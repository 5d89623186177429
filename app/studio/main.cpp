#include "ui/shell/main_window.h"
#include "ui/shell/theme_source.h"

#include <QApplication>

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    zen::ui::ThemeSource themes(application);
    zen::ui::MainWindow window;
    window.show();
    return QApplication::exec();
}
