#define ZEN_KERNEL_NAME "avx512"
#define ZEN_KERNEL_WIDTH 16
#define ZEN_KERNEL_ROWS 8
#define ZEN_KERNEL_TABLE kAvx512Kernels

#include "core/model/kernels_body.h"
