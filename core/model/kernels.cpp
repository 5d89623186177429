#include "core/model/kernels.h"

namespace zen {

const Kernels& kernels()
{
#if defined(__x86_64__)
    static const Kernels& best = [&]() -> const Kernels& {
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            return kAvx512Kernels;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            return kAvx2Kernels;
        return kPortableKernels;
    }();
    return best;
#else
    return kPortableKernels;
#endif
}

} // namespace zen
