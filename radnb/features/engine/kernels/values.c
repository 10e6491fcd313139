/* First-order statistics of a region: https://pyradiomics.readthedocs.io/en/v3.0.1/features.html, IBSI manual 3.3-3.4.
 * Sums follow the tree and the eight lanes of numpy's pairwise summation, which PyRadiomics uses: a mean near zero, as
 * in a wavelet band, agrees to the last bit, and the bytes do not depend on the width of the processor's registers. */
#include "inline.h"
#include "radnb.h"

#define LANES 8
#define LEAF 128  /* numpy's PW_BLOCKSIZE */
#define FINE 4096 /* buckets of the search for order statistics */

/* The region's voxels in one row; runs are rows of (offset in image, offset in padded volume, length). */
KERNEL int64_t gather(const char *image, int64_t itemsize, const int64_t *runs, int64_t n_runs, char *values) {
    for (int64_t run = 0; run < n_runs; run++) {
        const int64_t length = runs[3 * run + 2] * itemsize;
        memcpy(values, image + runs[3 * run] * itemsize, (size_t)length);
        values += length;
    }
    return 0;
}

/* What is summed over the voxels; each functional adds its terms of one value to one lane. */
typedef struct {
    double shift;                  /* voxelArrayShift */
    double mean, low, high, centre; /* centre: mean of the values within [low, high] */
} About;

#define REAL float
#define OF(name) name##_f32
#include "values_of.h"
#undef REAL
#undef OF
#define REAL double
#define OF(name) name##_f64
#include "values_of.h"
