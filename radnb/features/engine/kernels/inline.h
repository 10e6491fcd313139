/* A function that is always built into its caller, and so into every version of a WIDE caller. */
#ifndef RADNB_INLINE_H
#define RADNB_INLINE_H
#ifdef _MSC_VER
#define INLINE static __forceinline
#else
#define INLINE static inline __attribute__((always_inline))
#endif
#endif
