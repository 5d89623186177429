#define ZEN_KERNEL_NAME "portable"
#define ZEN_KERNEL_WIDTH 4
#define ZEN_KERNEL_ROWS 4
#define ZEN_KERNEL_TABLE kPortableKernels

#include "core/model/kernels_body.h"
