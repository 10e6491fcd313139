/* Sums over a whole image, compensated so that they are those of exact arithmetic but for the last bit.
 *
 * D. E. Knuth, The Art of Computer Programming 2, 4.2.2 (the error of a sum of two); ITK sums after Kahan. */
#include "lines.h"

enum { SUMS = 16, CHUNK = 4096 };

typedef struct { double sum[SUMS], error[SUMS]; } Sums;

INLINE void add(Sums *s, int k, double x)
{
    const double sum = s->sum[k] + x, taken = sum - s->sum[k];
    s->error[k] += (s->sum[k] - (sum - taken)) + (x - taken);
    s->sum[k] = sum;
}

INLINE double total(const Sums *s)
{
    Sums whole = {{0}, {0}};
    for (int k = 0; k < SUMS; k++) add(&whole, 0, s->sum[k]);
    for (int k = 0; k < SUMS; k++) add(&whole, 0, s->error[k]);
    return whole.sum[0] + whole.error[0];
}

/* Write the sum of the voxels and the sum of their squares. */
WIDE int64_t moments(const void *volume, int64_t type, int64_t n, double *out)
{
    Sums first = {{0}, {0}}, second = {{0}, {0}};
    double x[CHUNK];
    for (int64_t begin = 0; begin < n; begin += CHUNK) {
        const int64_t count = n - begin < CHUNK ? n - begin : CHUNK;
        switch (type) {
        case FLOAT32: for (int64_t i = 0; i < count; i++) x[i] = ((const float *)volume)[begin + i]; break;
        case FLOAT64: for (int64_t i = 0; i < count; i++) x[i] = ((const double *)volume)[begin + i]; break;
        case INT16: for (int64_t i = 0; i < count; i++) x[i] = ((const int16_t *)volume)[begin + i]; break;
        case UINT16: for (int64_t i = 0; i < count; i++) x[i] = ((const uint16_t *)volume)[begin + i]; break;
        default: for (int64_t i = 0; i < count; i++) x[i] = ((const uint8_t *)volume)[begin + i]; break;
        }
        for (int64_t i = count; i < (count + SUMS - 1) / SUMS * SUMS; i++) x[i] = 0.0;
        for (int64_t i = 0; i < count; i += SUMS)
            for (int k = 0; k < SUMS; k++) {
                add(&first, k, x[i + k]);
                add(&second, k, x[i + k] * x[i + k]);
            }
    }
    out[0] = total(&first);
    out[1] = total(&second);
    return 0;
}
