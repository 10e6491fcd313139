/* INLINE: a function that is always built into its caller, and so into every version of a WIDE caller. */
#ifndef RADNB_INLINE_H
#define RADNB_INLINE_H
#ifdef _MSC_VER
#include <intrin.h>
#define INLINE static __forceinline
INLINE int lowest_bit(unsigned set) {
    unsigned long place;
    _BitScanForward(&place, set);
    return (int)place;
}
#else
#define INLINE static inline __attribute__((always_inline))
INLINE int lowest_bit(unsigned set) { return __builtin_ctz(set); }
#endif
#endif
