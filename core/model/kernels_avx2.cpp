#define ZEN_KERNEL_NAME "avx2"
#define ZEN_KERNEL_WIDTH 8
#define ZEN_KERNEL_ROWS 6
#define ZEN_KERNEL_TABLE kAvx2Kernels

#include "core/model/kernels_body.h"
