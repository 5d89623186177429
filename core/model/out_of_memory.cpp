#include "core/model/out_of_memory.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

namespace zen {

namespace {

/// Parts of the messages of c10's CPU and CUDA allocators, of oneDNN and of cuBLAS.
constexpr std::array<std::string_view, 5> kMessages
    = { "can't allocate memory", "not enough memory", "out of memory", "could not create a memory",
          "CUBLAS_STATUS_ALLOC_FAILED" };

} // namespace

bool isOutOfMemory(const std::exception& error)
{
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr
        || dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr)
        return true;
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    const std::string_view text
        = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
    return std::any_of(kMessages.begin(), kMessages.end(),
        [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

} // namespace zen
