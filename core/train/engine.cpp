#include "core/train/engine.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <optional>

namespace zen {

namespace {

/// The one symbol that libzen_engine.so exports for us (core/train/engine_library.cpp).
constexpr const char* kEntryPoint = "zen_engine";
using EntryPoint = Engine* (*)();

std::filesystem::path engineLibrary()
{
    Dl_info here{};
    if (dladdr(reinterpret_cast<const void*>(&loadEngine), &here) != 0 && here.dli_fname != nullptr)
        return std::filesystem::path(here.dli_fname).parent_path() / "libzen_engine.so";
    return "libzen_engine.so";
}

Result<Engine*> openEngine()
{
    // libgomp reads this while it is loaded. By default a thread that waits for the next loop burns
    // its core for milliseconds; on a busy machine that made an update eight times slower.
    ::setenv("GOMP_SPINCOUNT", "1000", 0);
    ::setenv("OPENBLAS_THREAD_TIMEOUT", "14", 0); // the same for OpenBLAS: 2^14 cycles
    const std::filesystem::path library = engineLibrary();
    void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr)
        return fail(std::string("cannot load the training engine: ") + dlerror()
            + ". Run ./studio build to install what is missing and build it.");
    auto entry = reinterpret_cast<EntryPoint>(dlsym(handle, kEntryPoint));
    if (entry == nullptr)
        return fail(library.string() + " is not this program's engine: it has no zen_engine entry");
    return entry();
}

} // namespace

Result<Engine*> loadEngine()
{
    static std::mutex mutex;
    static std::optional<Result<Engine*>> loaded;
    const std::scoped_lock lock(mutex);
    if (!loaded)
        loaded = openEngine();
    return *loaded;
}

} // namespace zen
