/* Weighted sums of neighbours along one axis: what separable filters are made of. */
#include "radnb.h"

enum { TILE = 64 };

/* in (outer, n_in, inner) -> out (outer, n_out, inner):  out[o, i, j] = sum over k of taps[k] in[o, i + skip + k, j].
 * Always summed in the order of k, so that no processor and no tile changes a bit. */
WIDE int64_t correlate(const double *restrict in, double *restrict out, int64_t outer, int64_t n_in,
                              int64_t n_out, int64_t inner, int64_t skip, const double *restrict taps,
                              int64_t n_taps) {
    const int64_t rows = inner == 1 ? 1 : n_out, width = inner == 1 ? n_out : inner;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t row = 0; row < rows; row++) {
            const double *from = in + (o * n_in + skip + row) * inner;
            double *to = out + (o * n_out + row) * inner;
            for (int64_t start = 0; start < width; start += TILE) {
                const int64_t stop = width - start < TILE ? width - start : TILE;
                double sum[TILE] = {0};
                for (int64_t k = 0; k < n_taps; k++) {
                    const double *shifted = from + start + k * inner;
                    const double weight = taps[k];
                    for (int64_t j = 0; j < stop; j++) sum[j] += weight * shifted[j];
                }
                memcpy(to + start, sum, (size_t)stop * sizeof(double));
            }
        }
    return 0;
}
