/* Which sources this library was built from, and which processor its WIDE kernels use. */
#include "radnb.h"

KERNEL const char *radnb_digest(void) { return RADNB_DIGEST; }

/* The same choice that the loader makes for WIDE kernels. */
KERNEL const char *radnb_processor(void) {
#ifdef WIDEST
    __builtin_cpu_init();
    if (WIDEST >= 4 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"))
        return "AVX-512";
    return __builtin_cpu_supports("avx2") ? "AVX2" : "any processor";
#elif defined(__AVX512F__)
    return "AVX-512";
#elif defined(__AVX2__)
    return "AVX2";
#else
    return "any processor";
#endif
}
