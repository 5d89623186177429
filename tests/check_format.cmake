# cmake -DROOT=. -DCLANG_FORMAT=clang-format -P tests/check_format.cmake
file(GLOB_RECURSE files ${ROOT}/app/*.h ${ROOT}/app/*.cpp ${ROOT}/core/*.h ${ROOT}/core/*.cpp
  ${ROOT}/ui/*.h ${ROOT}/ui/*.cpp ${ROOT}/tests/*.h ${ROOT}/tests/*.cpp)
execute_process(COMMAND ${CLANG_FORMAT} --dry-run --Werror ${files}
  RESULT_VARIABLE failed ERROR_VARIABLE findings)
if(failed)
  string(REGEX MATCHALL "[^\n]*: error: [^\n]*" lines "${findings}")
  list(JOIN lines "\n" lines)
  message(FATAL_ERROR "run clang-format -i on these:\n${lines}")
endif()
