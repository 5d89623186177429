# cmake -DROOT=. -P tests/check_plain_text.cmake
# Text from models, data and files is never shown as HTML: widgets that guess "rich text" are used through ui/shell only.
set(forbidden
  "new QLabel"
  "[^a-zA-Z_:]QLabel [a-z_]+[({;]"
  "public QLabel"
  "QMessageBox::(about|critical|information|question|warning)"
  "QMessageBox [a-z_]+[({;]"
  "QTextBrowser"
  "setHtml\\("
  "insertHtml\\("
  "appendHtml\\("
  "setMarkdown\\("
)
file(GLOB_RECURSE files ${ROOT}/ui/*.h ${ROOT}/ui/*.cpp ${ROOT}/app/studio/*.cpp)
foreach(file ${files})
  if(file MATCHES "ui/shell/(plain_label|plain_message)\\.(h|cpp)$")
    continue()
  endif()
  foreach(pattern ${forbidden})
    file(STRINGS ${file} bad REGEX "${pattern}")
    if(bad)
      message(SEND_ERROR "${file}: use PlainLabel (ui/shell/plain_label.h) or plain-text widgets: ${bad}")
    endif()
  endforeach()
endforeach()
