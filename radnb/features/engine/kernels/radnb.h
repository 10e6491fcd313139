/* What all kernels share.  Every kernel takes int64_t, double and pointers to C-contiguous arrays in (z, y, x) order,
 * and returns an int64_t (a count, 0, or -1 for lack of memory), so that native.py can call each without a signature. */
#ifndef RADNB_H
#define RADNB_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _MSC_VER
#define KERNEL __declspec(dllexport)
#define restrict __restrict
#else
#define KERNEL
#endif

/* numpy.spacing(1), which PyRadiomics adds within logarithms and to denominators. */
static const double EPS = 2.220446049250313e-16;

/* A WIDE kernel is compiled once for every processor and again for those with wide registers; the C library chooses at
 * load time.  The bytes are the same, because no operation is contracted or reordered.  (zig's clang cannot link such
 * choices into a library; it compiles for the machine at hand.) */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define WIDEST 4
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#elif defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 7
#define WIDEST 3
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE KERNEL
#endif

#endif
