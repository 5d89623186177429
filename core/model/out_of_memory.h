#pragma once

#include <exception>

namespace zen {

/// True for what libtorch, the standard library and its matrix libraries throw when memory is
/// short, on the CPU (a plain c10::Error) and on a GPU (c10::OutOfMemoryError).
bool isOutOfMemory(const std::exception& error);

} // namespace zen
